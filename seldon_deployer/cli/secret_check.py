"""`seldon-deployer secret check`."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.credential_file import read_credential_file
from seldon_deployer.cli.options import connection_options, output_option
from seldon_deployer.cli.output import write_json
from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import NotFound

if TYPE_CHECKING:
    from seldon_deployer.storage import Environment

_ENDINGS = (".yaml", ".yml", ".json")


@click.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("--uri", metavar="URI", help="What the credentials are to read, such as s3://models.")
@connection_options
@output_option
def command(source: str, uri: str | None, output: str, **options: Any) -> None:
    """Try credentials of a file, or of a Secret on the cluster, against their store.

    With --uri, what lies there is listed and a byte of it is read; without, the store is asked
    whether it accepts the credentials at all. - reads stdin. Writes nothing.
    """
    from seldon_deployer.deployer.check_credentials import check_credentials

    current_session().show_log(logging.WARNING)
    is_file = source == "-" or source.lower().endswith(_ENDINGS) or Path(source).exists()
    environment = _of_file(source) if is_file else _of_secret(source, options)
    checked = check_credentials(environment, uri)
    if output == "json":
        write_json([asdict(each) for each in checked])
        return
    for each in checked:
        click.echo(str(each))


def _of_file(file: str) -> Environment:
    return read_credential_file(file).credentials.environment()


def _of_secret(name: str, options: dict[str, Any]) -> Environment:
    from seldon_deployer.cluster import SECRETS
    from seldon_deployer.deployer.end import choose_end
    from seldon_deployer.deployer.live_secrets import read_environment

    cluster = choose_end(**options).cluster
    live = cluster.get(SECRETS, name)
    if live is None:
        raise NotFound(
            f"there is no Secret {name} in namespace {cluster.namespace}",
            hint="name another, or a file (FILE.yaml)",
            status=404,
        )
    return read_environment(live)
