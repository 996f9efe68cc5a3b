"""`seldon-deployer local stop`."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """End the embedded runtime with every unit; the next start brings back what was deployed."""
    from seldon_deployer.local.lifecycle import home_folder, stop

    # There may be one in each home: say which it was.
    home = home_folder()
    done = "is stopped" if stop(home) else "did not run"
    click.echo(f"the embedded runtime in {home} {done}")
