"""`seldon-deployer render`."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.options import (
    config_options,
    ignore_option,
    server_image_option,
    take_config,
)
from seldon_deployer.cli.output import write_json
from seldon_deployer.cli.session import current_session
from seldon_deployer.errors import UsageError

if TYPE_CHECKING:
    from seldon_deployer.config import DeploymentConfig
    from seldon_deployer.manifest.kustomize import Application


@click.command()
@config_options
@click.option(
    "--namespace",
    "-n",
    default="default",
    show_default=True,
    metavar="NS",
    help="Namespace that the manifest is for.",
)
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
@click.option(
    "--kustomize",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a kustomization for Git into DIR instead, without the namespace.",
)
@click.option("--argocd-repo", metavar="URL", help="Repository of DIR: writes an Application too.")
@click.option("--argocd-path", metavar="PATH", help="DIR in that repository.  [default: DIR]")
@click.option(
    "--argocd-revision", metavar="REV", default="HEAD", show_default=True, help="What to follow."
)
@click.option("--force", is_flag=True, help="Replace files of DIR that this tool did not write.")
@server_image_option
@ignore_option
def command(
    namespace: str,
    runtime: str,
    output: str,
    kustomize: Path | None,
    argocd_repo: str | None,
    argocd_path: str | None,
    argocd_revision: str,
    force: bool,
    server_image: str | None,
    ignore: tuple[str, ...],
    **options: Any,
) -> None:
    """Write the manifest that a first deploy would apply. Sends nothing.

    Secrets are referred to by name; their values are never read.
    """
    current_session().show_log(logging.WARNING)
    if kustomize is None and (argocd_repo or argocd_path or force):
        raise UsageError("--argocd-repo, --argocd-path and --force are for --kustomize DIR")
    config = take_config(options)
    manifest = _render(
        config,
        namespace,
        is_local=runtime == "local",
        server_image=server_image,
        ignore=ignore,
    )
    if kustomize is not None:
        application = None
        if argocd_repo:
            path = argocd_path or _path_in_repository(kustomize)
            application = _application(argocd_repo, path, argocd_revision, namespace)
        for file in _write_folder(kustomize, manifest, application, force=force):
            click.echo(str(file))
        return
    if output == "json":
        write_json(manifest)
        return
    import yaml

    click.echo(yaml.safe_dump(manifest, sort_keys=False), nl=False)


def _render(
    config: DeploymentConfig,
    namespace: str,
    *,
    is_local: bool,
    server_image: str | None,
    ignore: tuple[str, ...],
) -> dict[str, Any]:
    from seldon_deployer.config import Part
    from seldon_deployer.deployer.found_models import find_models
    from seldon_deployer.deployer.plan import build
    from seldon_deployer.manifest.build import needs_orchestrator
    from seldon_deployer.naming import DEFAULT_PREDICTOR

    models = find_models(
        config,
        is_local=is_local,
        tell=partial(click.echo, err=True),
        server_image=server_image,
        is_offline=True,
    )
    own = models.get(Part(DEFAULT_PREDICTOR, config.name))
    return build(
        config,
        models,
        namespace=namespace,
        orchestrator=needs_orchestrator(config, own.implementation if own else None),
        is_local=is_local,
        ignore=ignore,
    )


def _application(repo: str, path: str, revision: str, namespace: str) -> Application:
    from seldon_deployer.manifest.kustomize import Application

    return Application(repo_url=repo, path=path, revision=revision, namespace=namespace)


def _path_in_repository(folder: Path) -> str:
    if folder.is_absolute():
        raise UsageError(
            f"where {folder} lies in the repository is unknown",
            why="it is no relative path",
            hint="give --argocd-path, or run this at the top of the repository",
        )
    return folder.as_posix()


def _write_folder(
    folder: Path, manifest: dict[str, Any], application: Application | None, *, force: bool
) -> list[Path]:
    """Write the files that differ; returns all of them. Nothing is written where one may not be."""
    from seldon_deployer.manifest.kustomize import is_ours, kustomize_files

    def read(name: str) -> str | None:
        path = folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    files = kustomize_files(manifest, application, read)
    for name, text in files.items():
        before = read(name)
        if before not in (None, text) and not is_ours(before or "") and not force:
            raise UsageError(
                f"{folder / name} is somebody else's",
                why="it does not begin with the mark of this tool",
                hint="choose another folder, or replace it with --force",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        if read(name) != text:
            draft = folder / f".{name}.draft"
            draft.write_text(text, encoding="utf-8")
            draft.replace(folder / name)
    return [folder / name for name in files]
