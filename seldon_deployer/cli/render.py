"""`seldon-deployer render`."""

from __future__ import annotations

import logging
from typing import Any

import click

from seldon_deployer.cli.options import config_options, take_config
from seldon_deployer.cli.output import write_json
from seldon_deployer.cli.session import current_session


@click.command()
@config_options
@click.option("--namespace", "-n", default="default", show_default=True, metavar="NS")
@click.option(
    "--runtime",
    type=click.Choice(["cluster", "local"]),
    default="cluster",
    show_default=True,
    help="Which end the manifest is for; only local reads paths of this machine.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="Form of the manifest.",
)
def command(namespace: str, runtime: str, output: str, **options: Any) -> None:
    """Write the manifest that a first deploy would apply. Connects to nothing."""
    from seldon_deployer.deployer.interpreter import interpreter
    from seldon_deployer.deployer.model import find_model
    from seldon_deployer.deployer.preflight import check_manifest
    from seldon_deployer.manifest.build import build_manifest, needs_orchestrator

    current_session().show_log(logging.WARNING)
    config = take_config(options)
    is_local = runtime == "local"
    model = find_model(config, is_local=is_local, tell=lambda text: click.echo(text, err=True))
    manifest = build_manifest(
        config,
        namespace=namespace,
        orchestrator=needs_orchestrator(config, model.implementation),
        uri=model.uri,
        implementation=model.implementation,
        fingerprint=model.fingerprint,
        python=interpreter() if is_local else None,
    )
    check_manifest(manifest)
    if output == "json":
        write_json(manifest)
        return
    import yaml

    click.echo(yaml.safe_dump(manifest, sort_keys=False), nl=False)
