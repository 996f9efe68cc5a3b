"""`seldon-deployer local kubeconfig`."""

from __future__ import annotations

import click

from seldon_deployer.errors import LocalRuntimeError


@click.command()
def command() -> None:
    """Print the path of the embedded runtime's kubeconfig, for `export KUBECONFIG=$(...)`."""
    from seldon_deployer.local.lifecycle import status

    found = status()
    if found.runtime is None or not found.is_running:
        raise LocalRuntimeError(
            "the embedded runtime does not run",
            why=f"nothing of it is at work for {found.home}",
            hint="seldon-deployer local start",
        )
    click.echo(found.runtime.kubeconfig)
