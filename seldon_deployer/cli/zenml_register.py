"""`seldon-deployer zenml register`."""

from __future__ import annotations

import logging

import click

from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import UsageError


@click.command()
def command() -> None:
    """Register the flavor seldon_core in the active ZenML store. Safe to repeat."""
    current_session().show_log(logging.WARNING)
    try:
        from zenml import __version__ as zenml_version
    except ImportError as error:
        raise UsageError(
            "ZenML is not installed here",
            why=str(error),
            hint="pip install 'seldon-deployer[zenml]'",
        ) from error
    from seldon_deployer.zenml_plugin.register import register_flavor

    click.echo(f"the flavor seldon_core is {register_flavor()} (ZenML {zenml_version})")
