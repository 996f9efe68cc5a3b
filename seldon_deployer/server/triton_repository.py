"""Triton's model repository: which of its models is served, in which version, by which library.

Source: NVIDIA Triton 21.08, model repository and model configuration.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seldon_deployer.artifacts.layouts.triton import CONFIG_FILE
from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.triton_config import ModelConfig, read_config

logger = logging.getLogger(__name__)

# Triton passes over other folders, and over numbers that begin with 0.
_VERSION = re.compile(r"[1-9][0-9]*")
_SHOWN = 10
_ELSEWHERE = "deploy it to a cluster, where Triton itself serves it, or save it in one of those"


@dataclass(frozen=True, slots=True)
class Backend:
    """A library that runs models: its name, the platform it is also called by, its usual file."""

    name: str
    platform: str
    file: str


ONNX = Backend("onnxruntime", "onnxruntime_onnx", "model.onnx")
TORCH = Backend("pytorch", "pytorch_libtorch", "model.pt")
TENSORFLOW = Backend("tensorflow", "tensorflow_savedmodel", "model.savedmodel")
_BACKENDS = (ONNX, TORCH, TENSORFLOW)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The model of a repository that is served; path: its file, or its folder."""

    name: str
    config: ModelConfig
    version: int
    backend: Backend
    path: Path


def find_model(repository: Path, name: str | None) -> StoredModel:
    """The model of that name, or the only one, in the highest version that may be served.

    Raises ArtifactError that tells what is there instead.
    """
    folder = _find_folder(repository, name)
    described = folder / CONFIG_FILE
    config = read_config(described) if described.is_file() else ModelConfig()
    if config.name not in ("", folder.name):
        raise ArtifactError(
            f"{folder.name}/{CONFIG_FILE} is of a model {config.name}",
            why="Triton wants the name of the folder there",
            hint=f'rename the folder, or write name: "{folder.name}"',
        )
    version = _find_version(folder, config)
    place = folder / str(version)
    backend = _find_backend(place, config)
    path = place / (config.filename or backend.file)
    if not path.exists():
        raise ArtifactError(
            f"there is no {path.name} in {folder.name}/{version}",
            why=f"there is {_list_names(place)}, and {backend.name} reads {path.name}",
            hint="default_model_filename of its config.pbtxt names another file",
        )
    return StoredModel(folder.name, config, version, backend, path)


def _find_folder(repository: Path, name: str | None) -> Path:
    if not repository.is_dir():
        raise ArtifactError(
            f"no model repository at {repository}",
            why="it is no folder",
            hint="give the folder that holds a folder for each model",
        )
    if _is_model(repository):
        raise ArtifactError(
            f"{repository} is a model of a repository",
            why=f"there is {_list_names(repository)}",
            hint="give the folder above it, which holds a folder for each model",
        )
    models = {each.name: each for each in sorted(repository.iterdir()) if _is_model(each)}
    if name in models:
        return models[name]
    if len(models) == 1:
        [(only, folder)] = models.items()
        if name:
            logger.warning(
                "the model %s is served as %s; Triton itself, on a cluster, would be asked for %s "
                "and not find it: give the deployment the model's name",
                *(only, name, name),
            )
        return folder
    if not models:
        raise ArtifactError(
            f"there is no model in the repository {repository}",
            why=f"there is {_list_names(repository)}",
            hint="a model is a folder with a config.pbtxt, or with a folder for each version: "
            "iris/1/model.onnx",
        )
    raise ArtifactError(
        f"the repository has no model {name}" if name else "the repository has several models",
        why=f"it has {_join(models)}",
        hint="give the deployment (or the unit of a graph) the name of one of them",
    )


def _is_model(folder: Path) -> bool:
    return folder.is_dir() and ((folder / CONFIG_FILE).exists() or bool(_versions(folder)))


def _versions(folder: Path) -> list[int]:
    return sorted(
        int(each.name)
        for each in folder.iterdir()
        if _VERSION.fullmatch(each.name) and each.is_dir()
    )


def _find_version(folder: Path, config: ModelConfig) -> int:
    there = _versions(folder)
    if not there:
        raise ArtifactError(
            f"the model {folder.name} has no version",
            why=f"there is {_list_names(folder)}",
            hint="put it into a folder that is called by a number from 1 on: "
            f"{folder.name}/1/model.onnx",
        )
    served = [each for each in there if config.versions is None or each in config.versions]
    if not served:
        raise ArtifactError(
            f"no version of {folder.name} may be served",
            why=f"there is {_join(map(str, there))}, and version_policy of its config.pbtxt wants "
            f"{_join(map(str, sorted(config.versions or ()))) or 'none'}",
            hint="name one that is there, or leave version_policy out",
        )
    return served[-1]


def _find_backend(place: Path, config: ModelConfig) -> Backend:
    """The backend that the configuration names; else the one whose file is there."""
    said = [each for each in (config.backend, config.platform) if each]
    for backend in _BACKENDS:
        if said and set(said) <= {backend.name, backend.platform}:
            return backend
        name = config.filename or backend.file
        if not said and name.endswith(Path(backend.file).suffix) and (place / name).exists():
            return backend
    known = ", ".join(f"{each.name} ({each.file})" for each in _BACKENDS)
    model = place.parent.name
    if said:
        raise ArtifactError(
            f"the model {model} is for Triton's backend {' '.join(said)}, which is not here",
            why=f"here there are {known}",
            hint=_ELSEWHERE,
        )
    raise ArtifactError(
        f"nothing here reads the model {model}",
        why=f"in its version {place.name} there is {_list_names(place)}; here there are {known}",
        hint=_ELSEWHERE,
    )


def _list_names(folder: Path) -> str:
    return _join(sorted(each.name for each in folder.iterdir())) or "nothing"


def _join(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
