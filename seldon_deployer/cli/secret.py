"""`seldon-deployer secret`: storage credentials."""

from __future__ import annotations

from seldon_deployer.cli.commands import LazyGroup

command = LazyGroup(
    "secret",
    {
        "apply": ("secret_apply", "Make a Kubernetes Secret of a file of credentials."),
        "check": ("secret_check", "Try credentials against their store."),
    },
    help="Give storage credentials to the cluster.",
)
