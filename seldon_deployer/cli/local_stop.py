"""`seldon-deployer local stop`."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """End the embedded runtime with every unit; the next start brings back what was deployed."""
    from seldon_deployer.local.lifecycle import stop

    click.echo("the embedded runtime is stopped" if stop() else "the embedded runtime did not run")
