"""The orchestrator container that the operator puts beside the units.

The gateway does its work here; the pod shows the container as Seldon's own pods show it.
Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from seldon_deployer.local.certificate import scheme
from seldon_deployer.manifest.defaulting import PODINFO_VOLUME
from seldon_deployer.naming import PODINFO

Object = dict[str, Any]

ENGINE_CONTAINER = "seldon-container-engine"
ENGINE_IMAGE = "docker.io/seldonio/seldon-core-executor:1.17.1"
HTTP_PORT = 8000
GRPC_PORT = 5001


def engine_container(sdep: Object, predictor: Object) -> Object:
    """The orchestrator's container for a predictor whose units are already dressed."""
    spec = sdep["spec"]
    annotations = spec.get("annotations", {})
    orchestrator = predictor.get("svcOrchSpec", {})
    quantities = {"cpu": "500m", "memory": "512Mi"}
    return {
        "name": ENGINE_CONTAINER,
        "image": ENGINE_IMAGE,
        "args": [
            *("--sdep", sdep["metadata"]["name"]),
            *("--namespace", sdep["metadata"]["namespace"]),
            *("--predictor", predictor["name"]),
            *("--http_port", str(HTTP_PORT)),
            *("--grpc_port", str(GRPC_PORT)),
            *("--protocol", spec.get("protocol") or "seldon"),
            *("--transport", spec.get("transport") or "rest"),
            *("--prometheus_path", "/prometheus"),
            *("--server_type", spec.get("serverType") or "rpc"),
            "--log_work_buffer_size",
            annotations.get("seldon.io/executor-logger-queue-size", "10000"),
            "--log_write_timeout_ms",
            annotations.get("seldon.io/executor-logger-write-timeout-ms", "2000"),
            "--full_health_checks=false",
        ],
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
        ],
        "env": [
            {"name": "ENGINE_PREDICTOR", "value": _encode(_engine_predictor(predictor))},
            {"name": "REQUEST_LOGGER_DEFAULT_ENDPOINT", "value": "http://default-broker"},
            *copy.deepcopy(orchestrator.get("env", [])),
        ],
        "resources": copy.deepcopy(
            orchestrator.get("resources") or {"limits": quantities, "requests": quantities}
        ),
        "volumeMounts": [{"name": PODINFO_VOLUME, "mountPath": PODINFO}],
        "livenessProbe": _probe("/live", predictor),
        "readinessProbe": _probe("/ready", predictor),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"runAsUser": 8888, "allowPrivilegeEscalation": False},
    }


def _engine_predictor(predictor: Object) -> Object:
    """The predictor as the orchestrator reads it: no traffic, no replicas, Go's empty values."""
    engine = copy.deepcopy(predictor)
    for field in ("traffic", "explainer"):
        engine.pop(field, None)
    engine["replicas"] = 0
    engine.setdefault("engineResources", {})
    engine.setdefault("svcOrchSpec", {})
    for component in engine.get("componentSpecs", []):
        component["metadata"] = {"creationTimestamp": None, **component.get("metadata", {})}
        component.pop("replicas", None)
        for container in component["spec"]["containers"]:
            container.setdefault("resources", {})
    return engine


def _encode(value: Object) -> str:
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def _probe(path: str, predictor: Object) -> Object:
    return {
        "httpGet": {"path": path, "port": HTTP_PORT, "scheme": scheme(predictor)},
        "initialDelaySeconds": 20,
        "timeoutSeconds": 60,
        "periodSeconds": 5,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
