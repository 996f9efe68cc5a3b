"""From a configuration to the model that can be served from where it lies.

On this machine artifacts are read and converted in place; in a store only their listing is read,
unless they need conversion (see `remote_model`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from seldon_deployer.artifacts.layout import Prepared, fingerprint, prepare
from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.artifacts.versions import version_warning
from seldon_deployer.catalogue import find_server
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer.code import code_fingerprint
from seldon_deployer.deployer.server_image import is_class_of_ours
from seldon_deployer.deployer.stores import Stores
from seldon_deployer.errors import ArtifactError, ConfigError

log = logging.getLogger(__name__)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """What the manifest says of the model: where it lies, what reads it, which bytes it is.

    fingerprint: '' where nothing told of the bytes, so new ones would not be noticed.
    image: of a server of ours on a cluster, where the configuration names none. parameters: of its
    server, as far as the model itself tells them.
    """

    uri: str | None
    implementation: str | None
    fingerprint: str
    image: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def find_model(
    config: DeploymentConfig,
    *,
    is_local: bool,
    tell: Tell,
    stores: Stores | None = None,
    previous: Model | None = None,
    record: ArtifactRecord = NO_RECORD,
) -> Model:
    """Find, check and convert the model of a configuration; changes nothing but a copy beside it.

    is_local: whether the embedded runtime will serve it, which reads paths of this machine.
    stores: None where no store may be asked. previous: what is deployed of this very address, kept
    where its store cannot be read. record: what a pipeline noted of the artifact.
    Raises ArtifactError, StorageError, or ConfigError for what that end cannot run.
    """
    check_can_run(config, is_local=is_local)
    if config.model_uri is None or config.is_on_volume:
        return Model(config.model_uri, config.implementation, code_fingerprint(config))
    path = local_path(config.model_uri)
    if path is None:
        # Imported on use: most of what it needs, a local model does not.
        from seldon_deployer.deployer.remote_model import find_remote_model

        return find_remote_model(
            config,
            stores=stores,
            previous=previous,
            record=record,
            is_local=is_local,
            tell=tell,
        )
    if has_own_server(config):
        return Model(path.as_uri(), None, fingerprint(path) + code_fingerprint(config))
    prepared = prepare(
        path,
        protocol=config.protocol,
        implementation=config.implementation,
        record=record,
        is_local=is_local,
        # What a pipeline noted, it also wrote.
        is_own=record.materializer is not None,
        model_name=config.name,
    )
    if prepared.path != path:
        tell(f"the model is served from {prepared.path}")
    warn_of_versions(prepared, config.protocol, is_local=is_local)
    return Model(
        prepared.path.as_uri(),
        prepared.implementation,
        prepared.fingerprint,
        parameters=prepared.parameters,
    )


def check_can_run(config: DeploymentConfig, *, is_local: bool) -> None:
    """Raise ConfigError or ArtifactError for what that end cannot run, whatever its state."""
    if is_local:
        _check_runs_here(config)
        return
    if config.python_class and not config.image and not is_class_of_ours(config.python_class):
        raise ConfigError(
            f"the cluster has no image with {config.python_class}",
            why="pods elsewhere cannot read code of this machine",
            hint="`seldon-deployer image context DIR` writes what to build; give the image's name "
            "as `image`, or serve it here: --runtime=local",
        )
    if config.model_uri is None or config.is_on_volume:
        return
    if local_path(config.model_uri) is not None:
        raise ArtifactError(
            f"the cluster cannot read {config.model_uri}",
            why="it is a path of this machine, and the pods run elsewhere",
            hint="put the model into a store that both reach (with ZenML: a remote artifact "
            "store), or serve it here: --runtime=local",
        )


def has_own_server(config: DeploymentConfig) -> bool:
    """Whether code or an image of the user's own reads the model."""
    return bool(config.python_class or config.image) and not config.implementation


def warn_of_versions(prepared: Prepared, protocol: str, *, is_local: bool) -> None:
    """Warn where the model was trained with other versions than will serve it."""
    trained, kind = prepared.trained_with, prepared.file_format
    if prepared.reason:
        log.warning("%s", prepared.reason)
    if is_local:
        here = {library: _installed(library) for library in trained}
        serving = {library: each for library, each in here.items() if each is not None}
        told = version_warning(trained, serving, server="the embedded runtime", file_format=kind)
        if told is not None:
            log.warning("%s", told)
    server = find_server(prepared.implementation)
    served, image = server.versions.get(protocol, {}), server.images.get(protocol)
    told = version_warning(trained, served, server=f"the image {image}", file_format=kind)
    if told is not None:
        log.warning("fine here, but not on a cluster: %s" if is_local else "%s", told)


def _check_runs_here(config: DeploymentConfig) -> None:
    if config.implementation and find_server(config.implementation).local_class is None:
        raise ConfigError(
            f"the embedded runtime cannot run {config.implementation}",
            why="it runs processes of our own model server, not container images",
            hint="use a real cluster (--context), or wrap the model in a python_class",
        )
    if config.image and not config.python_class:
        raise ConfigError(
            f"the embedded runtime cannot run the image {config.image}",
            why="it runs processes of our own model server, not container images",
            hint="use a real cluster (--context), or give the python_class that the image holds",
        )


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
