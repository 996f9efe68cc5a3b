"""`seldon-deployer stop`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options, timeout_option


@click.command()
@click.argument("name")
@timeout_option(60, "until its pods have ended")
@connection_options
def command(name: str, timeout: float, **options: Any) -> None:
    """End all replicas of a deployment; start brings them back."""
    service = connect(options, tell=True).stop(name, timeout_seconds=timeout)
    click.echo(f"{service.name} is stopped")
