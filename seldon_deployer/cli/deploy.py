"""`seldon-deployer deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.manifest_file import manifest_option, take_manifest
from seldon_deployer.cli.options import (
    config_options,
    connect,
    connection_options,
    output_option,
    preflight_options,
    server_image_option,
    take_config,
    timeout_option,
)
from seldon_deployer.cli.output import describe, progress, write_details, write_json

if TYPE_CHECKING:
    from seldon_deployer.deployer import Preflight


@click.command()
@config_options
@manifest_option
@connection_options
@server_image_option
@output_option
@preflight_options
@timeout_option(300, "until it serves")
@click.option("--force", is_flag=True, help="Take fields that other managers own.")
@click.option("--adopt", is_flag=True, help="Take over a resource that somebody else created.")
@click.option("--keep-failed", is_flag=True, help="Leave what does not serve, for inspection.")
def command(
    output: str,
    timeout: float,
    preflight: Preflight,
    ignore: tuple[str, ...],
    force: bool,
    adopt: bool,
    keep_failed: bool,
    **options: Any,
) -> None:
    """Serve a model, or update it in place, and wait until it serves."""
    manifest = take_manifest(options)
    config = take_config(options) if manifest is None else None
    deployer = connect(options, tell=True)
    asked: dict[str, Any] = {
        "timeout_seconds": timeout,
        "preflight": preflight,
        "ignore": ignore,
        "force": force,
        "adopt": adopt,
        "on_failure": "keep" if keep_failed else "rollback",
    }
    with progress() as tell:
        if config is not None:
            service = deployer.deploy(config, **asked, progress=tell)
        else:
            service = deployer.deploy_manifest(manifest or {}, **asked, progress=tell)
    facts = describe(service)
    if output == "json":
        write_json(facts)
    else:
        write_details({name.replace("_", " "): value for name, value in facts.items()})
