"""`seldon-deployer zenml`: what ZenML needs to know."""

from __future__ import annotations

from seldon_deployer.cli.commands import LazyGroup

command = LazyGroup(
    "zenml",
    {"register": ("zenml_register", "Register the model deployer flavor seldon_core.")},
    help="Connect ZenML.",
)
