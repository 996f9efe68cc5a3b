"""`seldon-deployer local`: the embedded runtime."""

from __future__ import annotations

from seldon_deployer.cli.commands import LazyGroup

command = LazyGroup(
    "local",
    {
        "start": ("local_start", "Start the embedded runtime, with what was deployed before."),
        "stop": ("local_stop", "End it, with every unit; what was deployed is kept."),
        "status": ("local_status", "Show whether it runs, and where."),
        "kubeconfig": ("local_kubeconfig", "Print the path of its kubeconfig."),
    },
    help="Start, stop and see the embedded runtime.",
)
