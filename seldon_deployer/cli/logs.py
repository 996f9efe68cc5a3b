"""`seldon-deployer logs`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options


@click.command()
@click.argument("name")
@click.option("--container", "-c", metavar="NAME", help="Only this container; init ones too.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on.")
@click.option("--previous", is_flag=True, help="Of the run before the last restart.")
@connection_options
def command(
    name: str,
    container: str | None,
    tail: int | None,
    follow: bool,
    previous: bool,
    **options: Any,
) -> None:
    """Show the logs of a deployment's pods."""
    service = connect(options).get(name)
    for line in service.logs(container, tail=tail, follow=follow, previous=previous):
        click.echo(line)
