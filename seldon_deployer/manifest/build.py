"""From a DeploymentConfig to the SeldonDeployment that serves it best.

One predictor `default`, one unit named like the resource, replicas at `spec.replicas` (so that
scaling works), own fast probes, no orchestrator unless asked for. The same configuration always
gives the same object: applied again, it changes nothing.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer import naming
from seldon_deployer.catalogue import OUR_IMAGE, find_server
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.graph import SERVICE_NAME_ANNOTATION
from seldon_deployer.manifest.kind import API_VERSION, KIND
from seldon_deployer.manifest.probes import unit_probes
from seldon_deployer.manifest.revision import stamp_revisions

Object = dict[str, Any]

# Seldon's server for TensorFlow is two containers behind the unit's name.
_NEEDS_ORCHESTRATOR = frozenset({"TENSORFLOW_SERVER"})


def build_manifest(
    config: DeploymentConfig,
    *,
    namespace: str,
    orchestrator: bool,
    uri: str | None,
    implementation: str | None,
    fingerprint: str,
    python: str | None = None,
) -> Object:
    """Write the SeldonDeployment of a configuration: plain, complete, without nulls.

    uri: where the pods find the artifact, which may be a converted copy of `config.model_uri`.
    implementation: the server that was found or asked for; None for code or an image of one's own.
    fingerprint: stands for the artifact's bytes, so that new bytes are a new revision.
    python: the interpreter for the units of the embedded runtime; never for a cluster.
    Raises ConfigError when nothing could serve, or the server does not speak the protocol.
    """
    _check_server(config, implementation)
    spec: Object = {"protocol": config.protocol, "replicas": config.replicas}
    if annotations := _seldon_annotations(config):
        spec["annotations"] = annotations
    spec["predictors"] = [_predictor(config, orchestrator, uri, implementation, python)]
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
    return stamp_revisions(obj, fingerprint)


def needs_orchestrator(config: DeploymentConfig, implementation: str | None = None) -> bool:
    """Whether a new deployment goes with the orchestrator container.

    Under `auto`: only where the unit may not answer the public path by itself, which is an image
    of unknown make, and TensorFlow's server.
    """
    if config.orchestrator != "auto":
        return config.orchestrator == "always"
    server = implementation or config.implementation
    return server in _NEEDS_ORCHESTRATOR or not _is_known_server(config, server)


def _is_known_server(config: DeploymentConfig, implementation: str | None) -> bool:
    """Whether what listens in the unit is a server we know: Seldon's own, or ours."""
    return bool(config.python_class or implementation or not config.image)


def _check_server(config: DeploymentConfig, implementation: str | None) -> None:
    if implementation is None:
        if config.python_class or config.image:
            return
        raise ConfigError(
            f"{config.model_name} has nothing to serve it",
            why="no implementation was given or found",
            hint="set implementation, such as SKLEARN_SERVER",
        )
    server = find_server(implementation)
    if server.image(config.protocol) is None and not config.image:
        raise ConfigError(
            f"{implementation} does not speak the protocol {config.protocol!r}",
            why=f"it has images for {', '.join(sorted(server.images))} only",
            hint="choose another protocol",
        )


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
    return {
        key: text
        for key, text in sorted(config.annotations.items())
        if _is_seldons(key) and key != SERVICE_NAME_ANNOTATION
    }


def _is_seldons(key: str) -> bool:
    return key.startswith("seldon.io/")


def _predictor(
    config: DeploymentConfig,
    orchestrator: bool,
    uri: str | None,
    implementation: str | None,
    python: str | None,
) -> Object:
    annotations: dict[str, str] = {}
    if SERVICE_NAME_ANNOTATION in config.annotations:
        annotations[SERVICE_NAME_ANNOTATION] = config.annotations[SERVICE_NAME_ANNOTATION]
    if not orchestrator:
        annotations[naming.NO_ENGINE_ANNOTATION] = "true"
    if config.code_path:
        annotations[naming.CODE_PATH_ANNOTATION] = str(config.code_path)
    if python:
        annotations[naming.PYTHON_ANNOTATION] = python
    return {
        "name": naming.DEFAULT_PREDICTOR,
        "annotations": annotations,
        "graph": _unit(config, uri, implementation),
        "componentSpecs": [{"spec": {"containers": [_container(config, implementation)]}}],
    }


def _unit(config: DeploymentConfig, uri: str | None, implementation: str | None) -> Object:
    unit: Object = {"name": config.name, "type": "MODEL"}
    if implementation:
        unit["implementation"] = implementation
    if uri:
        unit["modelUri"] = uri
    if config.parameters:
        unit["parameters"] = [
            _parameter(name, value) for name, value in sorted(config.parameters.items())
        ]
    if config.secret_name:
        unit["envSecretRefName"] = config.secret_name
    if config.service_account_name:
        unit["serviceAccountName"] = config.service_account_name
    return unit


def _parameter(name: str, value: str | int | float | bool) -> Object:
    # A bool is an int to Python, so it goes first.
    if isinstance(value, bool):
        return {"name": name, "value": str(value).lower(), "type": "BOOL"}
    if isinstance(value, int):
        return {"name": name, "value": str(value), "type": "INT"}
    if isinstance(value, float):
        return {"name": name, "value": repr(value), "type": "FLOAT"}
    return {"name": name, "value": value, "type": "STRING"}


def _container(config: DeploymentConfig, implementation: str | None) -> Object:
    """The unit's container. A prepackaged server's image is the operator's to choose."""
    container: Object = {"name": config.name}
    image = config.image or (OUR_IMAGE if config.python_class else None)
    if image:
        container["image"] = image
    env = dict(sorted(config.env.items()))
    if config.python_class:
        env = {"MODEL_NAME": config.python_class, "SERVICE_TYPE": "MODEL", **env}
    if env:
        container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    if config.resources:
        container["resources"] = {
            kind: dict(sorted(sizes.items())) for kind, sizes in sorted(config.resources.items())
        }
    known = _is_known_server(config, implementation)
    return {**container, **unit_probes(config.protocol, speaks_http=known)}
