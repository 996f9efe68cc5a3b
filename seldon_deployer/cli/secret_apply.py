"""`seldon-deployer secret apply`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from seldon_deployer.cli.options import connection_options
from seldon_deployer.cli.output import write_json
from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import UsageError


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Ask the API alone; nothing is written.")
@click.option("--force", is_flag=True, help="Take keys that other managers changed.")
@connection_options
@click.option(
    "--output",
    "-o",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="Form of the result.",
)
def command(file: str, dry_run: bool, force: bool, output: str, **options: Any) -> None:
    """Make a Kubernetes Secret of a file of credentials, and show it without its values.

    The templates are secrets/*.example.yaml; - reads stdin. Safe to repeat; a Secret that this
    tool did not make is never changed.
    """
    from seldon_deployer.deployer.end import choose_end, make_namespace
    from seldon_deployer.deployer.secret import apply_secret
    from seldon_deployer.secrets import build_secret, parse_credential_file, redacted

    # Judged before anything is connected to.
    wanted = parse_credential_file(_read(file), "stdin" if file == "-" else file)
    current_session().show_log(logging.INFO)
    end = choose_end(**options)
    secret = build_secret(wanted.name, end.cluster.namespace, wanted.credentials)
    if not dry_run:
        make_namespace(end)
    apply_secret(end.cluster, secret, force=force, dry_run=dry_run)
    shown = redacted(secret)
    if output == "json":
        write_json(shown)
        return
    import yaml

    click.echo(yaml.safe_dump(shown, sort_keys=False), nl=False)


def _read(file: str) -> str:
    reason = "it is not UTF-8 text"
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        # The error holds the bytes, so it is not chained.
        pass
    raise UsageError(f"cannot read {file}", why=reason)
