"""What the operator adds to the container of one unit: environment, probes, model download.

Source: Seldon Core 1.17.1, observed; the order of the environment is the operator's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from seldon_deployer.local.tensorflow_serving import endpoint_parameters, is_behind_proxy
from seldon_deployer.naming import MODELS_MOUNT

Object = dict[str, Any]

CLAIM_MOUNT = "/mnt/pvc"
METRICS_PATH = "/prometheus"
INITIALIZER_IMAGE = "seldonio/rclone-storage-initializer:1.17.1"
# Prepackaged servers that speak the Seldon protocol learn the model's folder from a parameter.
MODEL_URI_SERVERS = frozenset({"SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER"})
MLSERVER_RUNTIMES = {
    "SKLEARN_SERVER": "mlserver_sklearn.SKLearnModel",
    "XGBOOST_SERVER": "mlserver_xgboost.XGBoostModel",
    "MLFLOW_SERVER": "mlserver_mlflow.MLflowRuntime",
    "HUGGINGFACE_SERVER": "mlserver_huggingface.HuggingFaceRuntime",
    "TEMPO_SERVER": "tempo.mlserver.InferenceRuntime",
}


def dress_unit(
    container: Object, unit: Object, predictor: Object, *, name: str, namespace: str, protocol: str
) -> None:
    """Add to a unit's defaulted container, in place, what the operator adds; the user's wins."""
    is_mlserver = protocol in ("v2", "kfserving") and unit["implementation"] in MLSERVER_RUNTIMES
    is_triton = unit["implementation"] == "TRITON_SERVER"
    if is_mlserver or is_triton:
        container["ports"] = [port_of(container, "grpc"), port_of(container, "http")]
    if is_triton:
        container.setdefault("args", _triton_args(unit))
    if is_mlserver:
        add_env(container, _mlserver_env(container, unit, namespace))
    add_env(container, _unit_env(container, unit, predictor, name))
    if not is_mlserver and unit["implementation"] in MODEL_URI_SERVERS:
        folder = {"name": "model_uri", "value": MODELS_MOUNT, "type": "STRING"}
        _replace_parameters(container, [*unit.get("parameters", []), folder])
    if is_behind_proxy(unit, protocol):
        told = endpoint_parameters(unit)
        _replace_parameters(container, [*unit.get("parameters", []), *told])
    _add_probes(container, unit, is_mlserver=is_mlserver)
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "/bin/sleep 10"]}}}
    container.setdefault("lifecycle", hook)


def add_model_download(pod: Object, container: Object, unit: Object) -> None:
    """Give a pod the volume and the init container that fetch a unit's model, in place."""
    uri = unit["modelUri"]
    volume = _cut(f"{container['name']}-provision-location")
    initializer = _cut(f"{container['name']}-model-initializer")
    mounts = [{"name": volume, "mountPath": MODELS_MOUNT}]
    if uri.startswith("pvc://"):
        claim, _, path = uri.removeprefix("pvc://").partition("/")
        source = {"name": "kfserving-pvc-source", "mountPath": CLAIM_MOUNT}
        pod.setdefault("volumes", []).append(
            {"name": source["name"], "persistentVolumeClaim": {"claimName": claim}}
        )
        mounts.append(source)
        container.setdefault("volumeMounts", []).append(dict(source))
        uri = f"{CLAIM_MOUNT}/{path}"
    pod.setdefault("volumes", []).append({"name": volume, "emptyDir": {}})
    container.setdefault("volumeMounts", []).append(
        {"name": volume, "readOnly": True, "mountPath": MODELS_MOUNT}
    )
    download: Object = {
        "name": initializer,
        "image": unit.get("storageInitializerImage") or INITIALIZER_IMAGE,
        "args": [uri, MODELS_MOUNT],
        "resources": {
            "limits": {"cpu": "1", "memory": "1Gi"},
            "requests": {"cpu": "100m", "memory": "100Mi"},
        },
        "volumeMounts": mounts,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    if secret := unit.get("envSecretRefName"):
        download["envFrom"] = [{"secretRef": {"name": secret}}]
    known = {existing["name"] for existing in pod.get("initContainers", [])}
    if initializer not in known:
        pod.setdefault("initContainers", []).append(download)


def port_of(container: Object, name: str) -> Object:
    """The container port of that name, as the object lists it."""
    found: Object = next(port for port in container["ports"] if port["name"] == name)
    return found


def add_env(container: Object, pairs: Iterable[tuple[str, str]]) -> None:
    """Append variables that the container does not have yet."""
    env = container.setdefault("env", [])
    known = {variable["name"] for variable in env}
    env.extend({"name": key, "value": value} for key, value in pairs if key not in known)


def _unit_env(
    container: Object, unit: Object, predictor: Object, name: str
) -> list[tuple[str, str]]:
    endpoint = unit["endpoint"]
    http, grpc = str(endpoint["httpPort"]), str(endpoint["grpcPort"])
    pairs = [
        ("PREDICTIVE_UNIT_SERVICE_PORT", str(endpoint["service_port"])),
        ("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", http),
        ("MLSERVER_HTTP_PORT", http),
        ("PREDICTIVE_UNIT_GRPC_SERVICE_PORT", grpc),
        ("MLSERVER_GRPC_PORT", grpc),
    ]
    if unit.get("parameters"):
        pairs.append(("PREDICTIVE_UNIT_PARAMETERS", _compact(unit["parameters"])))
    if unit.get("modelUri"):
        pairs.append(("MLSERVER_MODEL_URI", MODELS_MOUNT))
    metrics = _metrics_port(container)
    pairs += [
        ("PREDICTIVE_UNIT_ID", container["name"]),
        ("MLSERVER_MODEL_NAME", container["name"]),
        ("PREDICTIVE_UNIT_IMAGE", container.get("image", "")),
        ("PREDICTOR_ID", predictor["name"]),
        ("PREDICTOR_LABELS", _compact(predictor.get("labels", {}), sort_keys=True)),
        ("SELDON_DEPLOYMENT_ID", name),
        ("SELDON_EXECUTOR_ENABLED", "true"),
        ("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", metrics),
        ("PREDICTIVE_UNIT_METRICS_ENDPOINT", METRICS_PATH),
        ("MLSERVER_METRICS_PORT", metrics),
        ("MLSERVER_METRICS_ENDPOINT", METRICS_PATH),
    ]
    return pairs


def _mlserver_env(container: Object, unit: Object, namespace: str) -> list[tuple[str, str]]:
    options = {
        "k8s_options": {
            "defaultRuntime": "tempo.seldon.SeldonKubernetesRuntime",
            "namespace": namespace,
        }
    }
    pairs = [
        ("MLSERVER_HTTP_PORT", str(unit["endpoint"]["httpPort"])),
        ("MLSERVER_GRPC_PORT", str(unit["endpoint"]["grpcPort"])),
        ("MLSERVER_MODEL_IMPLEMENTATION", MLSERVER_RUNTIMES[unit["implementation"]]),
        ("MLSERVER_MODEL_NAME", container["name"]),
        ("MLSERVER_MODEL_VERSION", "v1"),
    ]
    if unit.get("modelUri"):
        pairs.append(("MLSERVER_MODEL_URI", MODELS_MOUNT))
    pairs.append(("TEMPO_RUNTIME_OPTIONS", json.dumps(options)))
    return pairs


def _triton_args(unit: Object) -> list[str]:
    return [
        "/opt/tritonserver/bin/tritonserver",
        f"--grpc-port={unit['endpoint']['grpcPort']}",
        f"--http-port={unit['endpoint']['httpPort']}",
        f"--model-repository={MODELS_MOUNT}",
        "--strict-model-config=false",
    ]


def _metrics_port(container: Object) -> str:
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
    # Containers of MLServer and Triton list no metrics port, yet their environment names the first.
    return str(ports.get("metrics", 6000))


def _replace_parameters(container: Object, parameters: list[Object]) -> None:
    env = container["env"]
    env[:] = [variable for variable in env if variable["name"] != "PREDICTIVE_UNIT_PARAMETERS"]
    env.append({"name": "PREDICTIVE_UNIT_PARAMETERS", "value": _compact(parameters)})


def _add_probes(container: Object, unit: Object, *, is_mlserver: bool) -> None:
    timing = {"timeoutSeconds": 1, "periodSeconds": 5, "successThreshold": 1, "failureThreshold": 3}

    def probe(path: str, delay: int) -> Object:
        handler: Object = {"tcpSocket": {"port": unit["endpoint"]["service_port"]}}
        if is_mlserver:
            handler = {"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}
        return {**handler, "initialDelaySeconds": delay, **timing}

    container.setdefault("livenessProbe", probe("/v2/health/live", 60))
    container.setdefault("readinessProbe", probe("/v2/health/ready", 20))


def _cut(name: str) -> str:
    return name[:63].rstrip("-")


def _compact(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys)
