"""A predictor: its graph, its pods, its orchestrator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from seldon_deployer import naming
from seldon_deployer.config import DeploymentConfig, SvcOrchSpec
from seldon_deployer.graph import Component, Unit, chooses, components, write_graph
from seldon_deployer.manifest.build.pod import build_budget, build_component, build_scaling
from seldon_deployer.manifest.build.unit import UnitRequest, unit_and_container
from seldon_deployer.manifest.graph import ROUTING_VARIABLE, SERVICE_NAME_ANNOTATION
from seldon_deployer.workload import Probe, env_variables

Object = dict[str, Any]

_ONE = 1


class FoundModel(Protocol):
    """Where the pods find a model, what reads it, and what stands for its bytes."""

    @property
    def uri(self) -> str | None:
        """Its address; None for code or an image alone."""

    @property
    def implementation(self) -> str | None:
        """The server; None for code or an image of one's own."""

    @property
    def fingerprint(self) -> str:
        """Changes with the bytes."""

    @property
    def image(self) -> str | None:
        """The server's image, where the configuration names none and the operator has none."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """Those of the server that the model itself tells; the configuration's win."""


# By the names of units.
Models = Mapping[str, FoundModel]


def build_predictor(
    config: DeploymentConfig,
    name: str,
    models: Models,
    *,
    orchestrator: bool,
    python: str | None,
) -> Object:
    """One predictor of a configuration that is alone: `models` has the one of each unit."""
    predictor: Object = {"name": name}
    annotations = _annotations(
        config,
        is_default=name == naming.DEFAULT_PREDICTOR,
        orchestrator=orchestrator,
        python=python,
    )
    if annotations:
        predictor["annotations"] = annotations
    graph, pods = _graph(config, models) if config.graph is not None else _single(config, models)
    predictor |= {"graph": graph, "componentSpecs": pods}
    pods[0] |= build_budget(config)
    for field, value in (
        ("svcOrchSpec", _orchestrator(config)),
        ("explainer", _explainer(config)),
        ("ssl", config.ssl.to_object() if config.ssl else None),
        ("progressDeadlineSeconds", config.progress_deadline_seconds),
    ):
        if value:
            predictor[field] = value
    return predictor


def _single(config: DeploymentConfig, models: Models) -> tuple[Object, list[Object]]:
    model = models[config.name]
    unit, container = unit_and_container(
        UnitRequest(
            name=config.name,
            protocol=config.protocol,
            uri=model.uri,
            is_on_volume=config.is_on_volume,
            implementation=model.implementation,
            image=config.image or model.image,
            python_class=config.python_class,
            parameters={**model.parameters, **config.parameters},
            env=config.env,
            env_from_secrets=config.env_from_secrets,
            resources=config.resources,
            gpus=config.gpus,
            volume_mounts=config.volume_mounts,
            probes=_probes(config),
            secret_name=config.secret_name,
            service_account_name=config.service_account_name,
            storage_initializer_image=config.storage_initializer_image,
            logger=_logger(config),
        )
    )
    component = build_component(config, [container], account=_pod_account(config, [unit]))
    return unit, [{**component, **build_scaling(config)}]


def _graph(config: DeploymentConfig, models: Models) -> tuple[Object, list[Object]]:
    if config.graph is None:
        raise AssertionError("there is a graph")
    built: dict[str, tuple[Object, Object]] = {}

    def write_unit(unit: Unit) -> Object:
        built[unit.name] = unit_and_container(_request(config, unit, models[unit.name]))
        return built[unit.name][0]

    graph = write_graph(config.graph, write_unit)
    pods = [_component(config, component, built) for component in components(config.graph)]
    return graph, pods


def _component(
    config: DeploymentConfig, component: Component, built: Mapping[str, tuple[Object, Object]]
) -> Object:
    """One pod of a graph. What the configuration says of scaling is of the shared one."""
    names = [unit.name for unit in component.units]
    # The embedded runtime looks for a class in all of its pod's folders.
    folders = dict.fromkeys(str(unit.code_path) for unit in component.units if unit.code_path)
    annotations = {naming.CODE_PATH_ANNOTATION: os.pathsep.join(folders)} if folders else {}
    pod = build_component(
        config,
        [built[name][1] for name in names],
        annotations=annotations,
        account=_pod_account(config, [built[name][0] for name in names]),
    )
    if component.is_shared:
        return {**pod, **build_scaling(config)}
    own = {
        "replicas": component.replicas,
        "hpaSpec": component.hpa and component.hpa.to_object(),
        "kedaSpec": component.keda and component.keda.to_object(),
        "pdbSpec": component.pdb and component.pdb.to_object(),
    }
    return {**pod, **{name: value for name, value in own.items() if value is not None}}


def _request(config: DeploymentConfig, unit: Unit, model: FoundModel) -> UnitRequest:
    """A unit of a graph: what it does not say of its container is as in the configuration."""
    plain = {name: value for name, value in config.env.items() if name not in unit.env_from_secrets}
    secret = {
        name: value for name, value in config.env_from_secrets.items() if name not in unit.env
    }
    return UnitRequest(
        name=unit.name,
        protocol=config.protocol,
        type=unit.seldon_type,
        uri=model.uri,
        is_on_volume=config.holds_on_volume(unit.model_uri),
        implementation=model.implementation,
        image=unit.image or model.image,
        python_class=unit.python_class,
        parameters={**model.parameters, **unit.parameters},
        env={**plain, **unit.env},
        env_from_secrets={**secret, **unit.env_from_secrets},
        resources=unit.resources if unit.resources is not None else config.resources,
        gpus=unit.gpus,
        volume_mounts=config.volume_mounts,
        probes=_probes(config),
        secret_name=unit.secret_name or config.secret_name,
        service_account_name=unit.service_account_name or config.service_account_name,
        storage_initializer_image=config.storage_initializer_image,
        logger=_logger(config),
    )


def _annotations(
    config: DeploymentConfig, *, is_default: bool, orchestrator: bool, python: str | None
) -> dict[str, str]:
    annotations: dict[str, str] = {}
    # The name of a Service is one predictor's.
    if is_default and SERVICE_NAME_ANNOTATION in config.annotations:
        annotations[SERVICE_NAME_ANNOTATION] = config.annotations[SERVICE_NAME_ANNOTATION]
    if not orchestrator:
        annotations[naming.NO_ENGINE_ANNOTATION] = "true"
    if config.code_path:
        annotations[naming.CODE_PATH_ANNOTATION] = str(config.code_path)
    if python:
        annotations[naming.PYTHON_ANNOTATION] = python
    return annotations


def _probes(config: DeploymentConfig) -> dict[str, Probe]:
    given = {
        "livenessProbe": config.liveness_probe,
        "readinessProbe": config.readiness_probe,
        "startupProbe": config.startup_probe,
    }
    return {name: probe for name, probe in given.items() if probe is not None}


def _logger(config: DeploymentConfig) -> Object | None:
    if config.logger is None:
        return None
    # Left out, the mode is none at all, which the webhook refuses.
    return {"mode": config.logger.mode, **config.logger.to_object()}


def _pod_account(config: DeploymentConfig, units: list[Object]) -> str | None:
    """The pod's service account where no unit fetches a model: only then Seldon's operator
    would not write it there itself.
    """
    return None if any("modelUri" in unit for unit in units) else config.service_account_name


def _orchestrator(config: DeploymentConfig) -> Object | None:
    asked = config.svc_orch_spec or SvcOrchSpec()
    # In a pod of its own it hears of no other size than this, and none starts the update loop.
    own_size = _ONE if config.orchestrator == "separate" else None
    told = {} if ROUTING_VARIABLE in asked.env_from_secrets else _told_ways(config)
    spec: Object = {
        "resources": asked.resources,
        "env": env_variables({**told, **asked.env}, asked.env_from_secrets),
        "replicas": own_size if asked.replicas is None else asked.replicas,
    }
    return {name: value for name, value in spec.items() if value or value == 0}


def _told_ways(config: DeploymentConfig) -> dict[str, str]:
    """Where a graph chooses a branch, answers have to tell which: else feedback goes to those that
    never answered. Seldon's orchestrator tells it for its own protocol alone.
    """
    if config.graph is None or config.protocol != "seldon":
        return {}
    return {ROUTING_VARIABLE: "true"} if chooses(config.graph) else {}


def _explainer(config: DeploymentConfig) -> Object | None:
    asked = config.explainer
    if asked is None:
        return None
    explainer: Object = {
        "type": asked.type,
        "modelUri": asked.model_uri,
        "config": dict(sorted(asked.config.items())) or None,
        "initParameters": asked.init_parameters,
        # Like the orchestrator's.
        "replicas": _ONE if asked.replicas is None else asked.replicas,
        "serviceAccountName": asked.service_account_name or config.service_account_name,
        "envSecretRefName": asked.secret_name or config.secret_name,
        "storageInitializerImage": asked.storage_initializer_image,
        "containerSpec": asked.container_spec,
    }
    return {name: value for name, value in explainer.items() if value is not None}
