"""`seldon-deployer delete`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--timeout", type=float, default=60, show_default=True, metavar="SECONDS")
@connection_options
def command(names: tuple[str, ...], timeout: float, **options: Any) -> None:
    """Delete what was deployed under these names, and wait until it is gone."""
    deployer = connect(options)
    for name in names:
        deployer.delete(name, timeout_seconds=timeout)
        click.echo(f"{name} is deleted")
