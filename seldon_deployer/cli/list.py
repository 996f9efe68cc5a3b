"""`seldon-deployer list`."""

from __future__ import annotations

from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options, output_option
from seldon_deployer.cli.output import describe, write_json, write_table

_COLUMNS = ("name", "namespace", "state", "replicas", "model_uri", "prediction_url")
_HEADS = ("NAME", "NAMESPACE", "STATE", "REPLICAS", "MODEL URI", "URL")


@click.command()
@connection_options
@output_option
def command(output: str, **options: Any) -> None:
    """List what was deployed to the namespace."""
    deployer = connect(options)
    facts = [describe(service) for service in deployer.find()]
    if output == "json":
        write_json(facts)
    elif facts:
        write_table(_HEADS, [[each[column] for column in _COLUMNS] for each in facts])
    else:
        click.echo(f"nothing is deployed to namespace {deployer.cluster.namespace}", err=True)
