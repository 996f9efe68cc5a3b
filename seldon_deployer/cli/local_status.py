"""`seldon-deployer local status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seldon_deployer.cli.options import output_option
from seldon_deployer.cli.output import write_details, write_json

if TYPE_CHECKING:
    from seldon_deployer.local.lifecycle import RuntimeStatus


@click.command()
@output_option
def command(output: str) -> None:
    """Show whether the embedded runtime runs, and where."""
    from seldon_deployer.local.lifecycle import status

    facts = describe_runtime(status())
    if output == "json":
        write_json(facts)
    else:
        write_details(facts)


def describe_runtime(status: RuntimeStatus) -> dict[str, object]:
    """The facts of the runtime as a plain object; addresses only while it runs."""
    runtime = status.runtime if status.is_running else None
    return {
        "running": status.is_running,
        "home": str(status.home),
        "control": status.control,
        "gateway": status.gateway,
        "url": runtime.gateway_url if runtime else None,
        "api": runtime.api_url if runtime else None,
        "kubeconfig": str(runtime.kubeconfig) if runtime else None,
    }
