"""The whole resource: metadata, predictors with their shares, the overlay, the revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seldon_deployer import naming
from seldon_deployer.config import DeploymentConfig, Part, parts, predictor_configs, served_units
from seldon_deployer.graph import units
from seldon_deployer.manifest.build.predictor import FoundModel, build_predictor
from seldon_deployer.manifest.graph import SERVICE_NAME_ANNOTATION
from seldon_deployer.manifest.kind import API_VERSION, KIND
from seldon_deployer.manifest.overlay import apply_overlay
from seldon_deployer.manifest.revision import stamp_revisions

Object = dict[str, Any]

# Seldon's server for TensorFlow is two containers behind the unit's name.
_NEEDS_ORCHESTRATOR = frozenset({"TENSORFLOW_SERVER"})
_WHOLE = 100


@dataclass(frozen=True)
class _Unread:
    """A model that nobody looked at: as it was asked for."""

    uri: str | None
    implementation: str | None
    fingerprint: str = ""
    image: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def build_manifest(
    config: DeploymentConfig,
    *,
    namespace: str,
    orchestrator: bool,
    uri: str | None = None,
    implementation: str | None = None,
    fingerprint: str = "",
    python: str | None = None,
    models: Mapping[Part, FoundModel] | None = None,
) -> Object:
    """Write the SeldonDeployment of a configuration: plain, complete, without nulls.

    uri: where the pods find the artifact, which may be a converted copy of `config.model_uri`.
    implementation: the server that was found or asked for; None for code or an image of one's own.
    fingerprint: stands for the artifact's bytes, so that new bytes are a new revision.
    python: the interpreter for the units of the embedded runtime; never for a cluster.
    models: the same of each unit of a graph and of other predictors, by `config.parts`; those that
    are left out are served from where the configuration says they are.
    Raises ConfigError when nothing could serve, the server does not speak the protocol, or the
    overlay does not fit.
    """
    found = _found_models(config, models or {}, _Unread(uri, implementation, fingerprint))
    spec: Object = {"protocol": config.protocol, "replicas": config.replicas}
    if annotations := _seldon_annotations(config):
        spec["annotations"] = annotations
    spec["predictors"] = [
        build_predictor(
            alone,
            name,
            {part.unit: model for part, model in found.items() if part.predictor == name},
            orchestrator=orchestrator,
            python=python,
        )
        for name, alone in predictor_configs(config)
    ]
    _share_traffic(config, spec["predictors"])
    obj = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": config.name,
            "namespace": namespace,
            "labels": _labels(config),
            "annotations": _annotations(config),
        },
        "spec": spec,
    }
    return stamp_revisions(apply_overlay(obj, config.overlay), _fingerprints(found))


def needs_orchestrator(config: DeploymentConfig, implementation: str | None = None) -> bool:
    """Whether a new deployment goes with the orchestrator container.

    Under `auto`: only where it has work (a graph of several units, request logs, TLS, an
    explainer), or where the unit may not answer the public path by itself, which is an image of
    unknown make, and TensorFlow's server. `implementation` is the one that was found.
    """
    if config.orchestrator != "auto":
        return config.orchestrator != "never"
    own = Part(naming.DEFAULT_PREDICTOR, config.name)
    return any(_has_work_for_it(alone) for _, alone in predictor_configs(config)) or any(
        _answers_elsewhere(alone, implementation if part == own else None)
        for part, alone in parts(config).items()
    )


def _has_work_for_it(config: DeploymentConfig) -> bool:
    asked = (config.logger, config.ssl, config.svc_orch_spec, config.explainer)
    has_several_units = config.graph is not None and len(list(units(config.graph))) > 1
    return has_several_units or any(each is not None for each in asked)


def _answers_elsewhere(config: DeploymentConfig, implementation: str | None) -> bool:
    server = implementation or config.implementation
    is_known = bool(config.python_class or server or not config.image)
    return server in _NEEDS_ORCHESTRATOR or not is_known


def _found_models(
    config: DeploymentConfig, models: Mapping[Part, FoundModel], first: FoundModel
) -> dict[Part, FoundModel]:
    own = Part(naming.DEFAULT_PREDICTOR, config.name)
    found: dict[Part, FoundModel] = {}
    for part, asked in served_units(config):
        if part in models:
            found[part] = models[part]
        elif part == own:
            found[part] = first
        else:
            # Of a graph's units only models have a server.
            found[part] = _Unread(asked.model_uri, getattr(asked, "implementation", None))
    return found


def _fingerprints(found: Mapping[Part, FoundModel]) -> dict[str, str]:
    """What stands for the bytes of all models of a predictor."""
    by_predictor: dict[str, list[tuple[str, str]]] = {}
    for part, model in found.items():
        by_predictor.setdefault(part.predictor, []).append((part.unit, model.fingerprint))
    return {
        name: given[0][1]
        if len(given) == 1
        else " ".join(f"{unit}={fingerprint}" for unit, fingerprint in given if fingerprint)
        for name, given in by_predictor.items()
    }


def _share_traffic(config: DeploymentConfig, built: list[Object]) -> None:
    if not config.predictors:
        return
    built[0]["traffic"] = _WHOLE - sum(predictor.share for predictor in config.predictors)
    for predictor, obj in zip(config.predictors, built[1:], strict=True):
        if predictor.shadow:
            obj["shadow"] = True
        if predictor.traffic is not None:
            obj["traffic"] = predictor.traffic
        if predictor.replicas is not None:
            obj["replicas"] = predictor.replicas


def _labels(config: DeploymentConfig) -> dict[str, str]:
    return {
        **dict(sorted(config.labels.items())),
        naming.MANAGED_BY_LABEL: naming.FIELD_MANAGER,
        naming.MODEL_NAME_LABEL: naming.label_value(config.model_name),
    }


def _annotations(config: DeploymentConfig) -> dict[str, str]:
    own = {naming.MODEL_NAME_ANNOTATION: config.model_name}
    if config.model_uri:
        own[naming.MODEL_URI_ANNOTATION] = config.model_uri
    others = {key: text for key, text in sorted(config.annotations.items()) if not _is_seldons(key)}
    return {**others, **own}


def _seldon_annotations(config: DeploymentConfig) -> dict[str, str]:
    """What Seldon reads from `spec.annotations`; at the resource itself it would go nowhere."""
    given = {
        key: text
        for key, text in config.annotations.items()
        if _is_seldons(key) and key != SERVICE_NAME_ANNOTATION
    }
    if config.orchestrator == "separate":
        given[naming.ENGINE_SEPARATE_ANNOTATION] = "true"
    return dict(sorted(given.items()))


def _is_seldons(key: str) -> bool:
    return key.startswith("seldon.io/")
