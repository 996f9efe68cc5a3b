"""`seldon-deployer local start`."""

from __future__ import annotations

import click

from seldon_deployer.cli.local_status import describe_runtime
from seldon_deployer.cli.options import output_option
from seldon_deployer.cli.output import write_details, write_json


@click.command()
@output_option
def command(output: str) -> None:
    """Start the embedded runtime where it does not run, with what was deployed before."""
    from seldon_deployer.local.lifecycle import ensure_running, status

    ensure_running()
    facts = describe_runtime(status())
    if output == "json":
        write_json(facts)
    else:
        write_details(facts)
