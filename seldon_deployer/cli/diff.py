"""`seldon-deployer diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.manifest_file import manifest_option, take_manifest
from seldon_deployer.cli.options import (
    config_options,
    connect,
    connection_options,
    preflight_options,
    server_image_option,
    take_config,
)
from seldon_deployer.cli.output import write_json
from seldon_deployer.cli.session import current_session

if TYPE_CHECKING:
    from seldon_deployer.deployer import Preflight

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@config_options
@manifest_option
@connection_options
@server_image_option
@preflight_options
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the result.",
)
@click.option("--force", is_flag=True, help="Take fields that other managers own.")
@click.option("--adopt", is_flag=True, help="Take over a resource that somebody else created.")
def command(
    output: str,
    preflight: Preflight,
    ignore: tuple[str, ...],
    force: bool,
    adopt: bool,
    **options: Any,
) -> int:
    """Show what deploy would change. Writes nothing.

    Fields that others own are told: those over which deploy would fail, those that it would take
    (--force, --adopt), those that it would share. Exits as kubectl diff does: 0 nothing differs, 1
    something does, 2 or more it cannot be told.
    """
    current_session().failure_code = 2
    manifest = take_manifest(options)
    config = take_config(options) if manifest is None else None
    deployer = connect(options, tell=True)
    asked: dict[str, Any] = {
        "preflight": preflight,
        "ignore": ignore,
        "force": force,
        "adopt": adopt,
    }
    if config is not None:
        difference = deployer.diff(config, **asked)
    else:
        difference = deployer.diff_manifest(manifest or {}, **asked)
    if output == "json":
        write_json(
            {
                "name": difference.name,
                "exists": difference.before is not None,
                "differs": bool(difference),
                "diff": str(difference),
                "conflicts": [each._asdict() for each in difference.conflicts],
                "taken": [each._asdict() for each in difference.taken],
                "shared": [each._asdict() for each in difference.shared],
            }
        )
    else:
        for line in str(difference).splitlines():
            click.echo(click.style(line, fg=_COLOURS.get(line[:1])))
    for note in difference.notes:
        click.echo(note, err=True)
    return 1 if difference else 0
