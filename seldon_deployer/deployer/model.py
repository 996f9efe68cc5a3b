"""From a configuration to the model that can be served from where it lies.

Reads and converts artifacts on this machine. What other stores hold is passed on unread, so there
the implementation must be given, and new bytes under an old URI are not noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from seldon_deployer.artifacts.layout import Prepared, fingerprint, prepare
from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.versions import version_warning
from seldon_deployer.catalogue import find_server
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import ArtifactError, ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """What the manifest says of the model: where it lies, what reads it, which bytes it is."""

    uri: str | None
    implementation: str | None
    fingerprint: str


def find_model(config: DeploymentConfig, *, is_local: bool, tell: Callable[[str], None]) -> Model:
    """Find, check and convert the model of a configuration; changes nothing but a copy beside it.

    is_local: whether the embedded runtime will serve it, which reads paths of this machine.
    Raises ArtifactError, or ConfigError for what that end cannot run.
    """
    if is_local:
        _check_runs_here(config)
    elif config.python_class and not config.image:
        raise ConfigError(
            f"the cluster has no image with {config.python_class}",
            why="pods elsewhere cannot read code of this machine",
            hint="build an image with the code and give its name as `image`, "
            "or serve it here: --runtime=local",
        )
    has_own_server = bool(config.python_class or config.image) and not config.implementation
    if config.model_uri is None:
        return Model(None, config.implementation, _code_fingerprint(config))
    path = local_path(config.model_uri)
    if path is None:
        _check_known_unread(config, is_local=is_local, has_own_server=has_own_server)
        return Model(config.model_uri, config.implementation, _code_fingerprint(config))
    if not is_local:
        raise ArtifactError(
            f"the cluster cannot read {config.model_uri}",
            why="it is a path of this machine, and the pods run elsewhere",
            hint="put the model into a store that both reach (with ZenML: a remote artifact "
            "store), or serve it here: --runtime=local",
        )
    if has_own_server:
        return Model(path.as_uri(), None, fingerprint(path) + _code_fingerprint(config))
    prepared = prepare(path, protocol=config.protocol, implementation=config.implementation)
    if prepared.path != path:
        tell(f"the model is served from {prepared.path}")
    _warn_of_versions(prepared, config.protocol)
    return Model(prepared.path.as_uri(), prepared.implementation, prepared.fingerprint)


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


def _check_known_unread(config: DeploymentConfig, *, is_local: bool, has_own_server: bool) -> None:
    if is_local:
        raise ArtifactError(
            f"the embedded runtime cannot read {config.model_uri}",
            why="it reads paths of this machine and file:// addresses only",
            hint="download the model and give its path",
        )
    if not config.implementation and not has_own_server:
        raise ArtifactError(
            f"what lies at {config.model_uri} is unknown",
            why="finding the server and converting the model work on this machine's paths only",
            hint="set implementation, and store the model in that server's layout "
            "(SKLEARN_SERVER reads model.joblib)",
        )
    if config.implementation:
        find_server(config.implementation)


def _warn_of_versions(prepared: Prepared, protocol: str) -> None:
    here = {library: _installed(library) for library in prepared.trained_with}
    serving = {library: each for library, each in here.items() if each is not None}
    told = version_warning(prepared.trained_with, serving, server="the embedded runtime")
    if told is not None:
        log.warning("%s", told)
    server = find_server(prepared.implementation)
    image = server.images.get(protocol)
    told = version_warning(
        prepared.trained_with, server.versions.get(protocol, {}), server=f"the image {image}"
    )
    if told is not None:
        log.warning("fine here, but not on a cluster: %s", told)


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _code_fingerprint(config: DeploymentConfig) -> str:
    """SHA-256 over the module or package that holds `python_class`; '' where there is none here."""
    if config.python_class is None or config.code_path is None:
        return ""
    digest = sha256()
    for file in sorted(_code_files(config.code_path, config.python_class)):
        digest.update(f"{file.relative_to(config.code_path)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _code_files(folder: Path, python_class: str) -> Iterator[Path]:
    top = python_class.partition(".")[0]
    module = folder / f"{top}.py"
    if module.is_file():
        yield module
    yield from (folder / top).rglob("*.py")
