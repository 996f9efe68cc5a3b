"""What the fields of a configuration say together: each alone may be right, and both be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from seldon_deployer.catalogue import find_server
from seldon_deployer.config.seldon import check_environment
from seldon_deployer.errors import InvalidFields
from seldon_deployer.graph import Router, components, units
from seldon_deployer.naming import MODELS_MOUNT, PODINFO
from seldon_deployer.workload import check_mounts
from seldon_deployer.workload.rules import GPU_RESOURCE

if TYPE_CHECKING:
    from seldon_deployer.config.deployment import DeploymentConfig

_OF_ONE_MODEL = (
    "model_uri", "implementation", "python_class", "code_path", "image", "parameters", "gpus",
)  # fmt: skip
_CLASS_ENV = ("MODEL_NAME", "SERVICE_TYPE")
# Where the operator mounts the model it fetched, and what it tells the pod.
_MODEL_PATH = PurePosixPath(MODELS_MOUNT)
_OPERATORS_PATHS = (PurePosixPath(PODINFO), PurePosixPath("/mnt/pvc"))
_OPERATORS_VOLUMES = ("seldon-podinfo", "kfserving-pvc-source")


def check_consistency(config: DeploymentConfig) -> None:
    """Raise ValueError with the first contradiction between fields, by the names of both."""
    for check in _CHECKS:
        for contradiction in check(config):
            raise ValueError(contradiction)


def _one_model_or_a_graph(config: DeploymentConfig) -> Iterator[str]:
    if config.graph is None:
        return
    for field in _OF_ONE_MODEL:
        if getattr(config, field):
            yield f"{field} is of one model, and there is a graph: give it to a unit of the graph"
    scaler = "hpa" if config.hpa else "keda" if config.keda else None
    if scaler and all(not component.is_shared for component in components(config.graph)):
        yield f"{scaler}: every unit of the graph has a pod of its own: give it to a unit"
    if sum(unit.pdb is not None for unit in units(config.graph)) + bool(config.pdb) > 1:
        yield "pdb: a budget covers all pods of the deployment, and Kubernetes takes one for a pod"


def _something_to_serve(config: DeploymentConfig) -> Iterator[str]:
    if config.graph is not None:
        return
    if not (config.model_uri or config.python_class or config.image or config.implementation):
        yield "give model_uri, or python_class or image for code of your own"
    if config.implementation and config.python_class:
        yield "implementation and python_class are two servers: give one"
    if (
        config.implementation
        and not config.model_uri
        and find_server(config.implementation).needs_model
    ):
        yield f"{config.implementation} needs a model_uri"


def _environment(config: DeploymentConfig) -> Iterator[str]:
    check_environment(config.env, config.env_from_secrets)
    given = {*config.env, *config.env_from_secrets}
    if config.python_class and (taken := [name for name in _CLASS_ENV if name in given]):
        yield f"env: {', '.join(taken)} is written for python_class"


def _devices(config: DeploymentConfig) -> Iterator[str]:
    amounts = (config.resources or {}).values()
    if config.gpus and any(GPU_RESOURCE in sizes for sizes in amounts):
        yield f"gpus and resources both say {GPU_RESOURCE}: give one"


def _scaling(config: DeploymentConfig) -> Iterator[str]:
    if config.hpa and config.keda:
        yield "hpa and keda are two autoscalers: give one"
    scaler = "hpa" if config.hpa else "keda" if config.keda else None
    if scaler and "replicas" in config.model_fields_set:
        yield f"{scaler} decides how many replicas there are: leave replicas out"


def _volumes(config: DeploymentConfig) -> Iterator[str]:
    check_mounts(config.volumes, config.volume_mounts)
    for volume in config.volumes:
        if volume.name in _OPERATORS_VOLUMES or volume.name.endswith("-provision-location"):
            yield f"volumes: the name {volume.name!r} is Seldon's operator's to use"
    for mount in config.volume_mounts:
        path = PurePosixPath(mount.mount_path)
        if path in _OPERATORS_PATHS:
            yield f"volume_mounts: {path} is where Seldon's operator mounts something itself"
        if path == _MODEL_PATH and config.model_uri and not config.is_on_volume:
            yield f"volume_mounts: {path} is where the model of model_uri is put: mount elsewhere"


def _orchestrator(config: DeploymentConfig) -> Iterator[str]:
    if config.orchestrator == "never":
        if config.graph is not None and len(list(units(config.graph))) > 1:
            yield "a graph of several units needs the orchestrator, and orchestrator is never"
        for field in ("svc_orch_spec", "logger", "ssl"):
            if getattr(config, field) is not None:
                yield f"{field} is the orchestrator's, and orchestrator is never"
    replicas = config.svc_orch_spec.replicas if config.svc_orch_spec else None
    if replicas is not None and config.orchestrator != "separate":
        yield 'svc_orch_spec.replicas are of a pod of its own: orchestrator="separate"'


def _bandits(config: DeploymentConfig) -> Iterator[str]:
    if config.graph is None or config.protocol == "seldon":
        return
    for unit in units(config.graph):
        if isinstance(unit, Router) and unit.is_bandit:
            yield f"{unit.name} learns from feedback, which the protocol {config.protocol} has not"


def _predictors(config: DeploymentConfig) -> Iterator[str]:
    names = [predictor.name for predictor in config.predictors]
    for name in names:
        if names.count(name) > 1:
            yield f"predictors: the name {name!r} is used twice"
    if sum(predictor.shadow for predictor in config.predictors) > 1:
        yield "predictors: there is one shadow at most"
    if (shares := sum(predictor.share for predictor in config.predictors)) > 100:
        yield f"predictors: their traffic is {shares} percent together"
    for index, predictor in enumerate(config.predictors):
        try:
            config.of_predictor(predictor)
        except InvalidFields as error:
            for path, said in error.problems:
                yield f"predictors.{index}{path and f'.{path}'}: {said}"


_CHECKS: tuple[Callable[[DeploymentConfig], Iterator[str]], ...] = (
    _one_model_or_a_graph,
    _something_to_serve,
    _environment,
    _devices,
    _scaling,
    _volumes,
    _orchestrator,
    _bandits,
    _predictors,
)
