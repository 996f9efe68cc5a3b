"""`seldon-deployer secret apply`."""

from __future__ import annotations

import logging
from typing import Any

import click

from seldon_deployer.cli.credential_file import read_credential_file
from seldon_deployer.cli.options import connection_options, timeout_option
from seldon_deployer.cli.output import progress, write_json
from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import UsageError

log = logging.getLogger(__name__)


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Ask the API alone; nothing is written.")
@click.option("--force", is_flag=True, help="Take keys that other managers changed.")
@click.option(
    "--restart",
    is_flag=True,
    help="Start the pods of the deployments that use it anew, and wait for them.",
)
@timeout_option(300, "for each of them")
@connection_options
@click.option(
    "--output",
    "-o",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="Form of the result.",
)
def command(
    file: str,
    dry_run: bool,
    force: bool,
    restart: bool,
    timeout: float,
    output: str,
    **options: Any,
) -> None:
    """Make a Kubernetes Secret of a file of credentials, and show it without its values.

    The templates are secrets/*.example.yaml; - reads stdin. Safe to repeat; a Secret that this
    tool did not make is never changed. Pods that run keep the values that they began with, unless
    --restart.
    """
    from seldon_deployer.deployer import Deployer
    from seldon_deployer.deployer.end import choose_end, make_namespace
    from seldon_deployer.deployer.secret import apply_secret
    from seldon_deployer.secrets import build_secret, redacted

    if restart and dry_run:
        raise UsageError("--restart and --dry-run exclude each other")
    # Judged before anything is connected to.
    wanted = read_credential_file(file)
    current_session().show_log(logging.INFO)
    if ending := wanted.credentials.ending():
        log.warning("no pod that starts later than these last can fetch its model: %s", ending)
    end = choose_end(**options)
    secret = build_secret(wanted.name, end.cluster.namespace, wanted.credentials)
    if not dry_run:
        make_namespace(end)
    applied = apply_secret(end.cluster, secret, force=force, dry_run=dry_run)
    if restart:
        with progress() as tell:
            Deployer(end).restart_users(applied, timeout_seconds=timeout, progress=tell)
    shown = redacted(secret)
    if output == "json":
        write_json(shown)
        return
    import yaml

    click.echo(yaml.safe_dump(shown, sort_keys=False), nl=False)
