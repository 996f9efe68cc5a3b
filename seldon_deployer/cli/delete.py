"""`seldon-deployer delete`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options, timeout_option


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@timeout_option(60, "until each is gone")
@connection_options
def command(names: tuple[str, ...], timeout: float, **options: Any) -> None:
    """Delete what was deployed under these names, and wait until it is gone."""
    deployer = connect(options)
    for name in names:
        deployer.delete(name, timeout_seconds=timeout)
        click.echo(f"{name} is deleted")
