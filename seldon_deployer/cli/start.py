"""`seldon-deployer start`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options, timeout_option


@click.command()
@click.argument("name")
@timeout_option(300, "until it serves")
@connection_options
def command(name: str, timeout: float, **options: Any) -> None:
    """Bring a stopped deployment back, and wait until it serves."""
    service = connect(options, tell=True).start(name, timeout_seconds=timeout)
    click.echo(f"{service.name} serves again")
