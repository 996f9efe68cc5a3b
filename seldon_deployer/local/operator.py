"""What Seldon's operator makes of a SeldonDeployment: its Deployments and Services.

Pure. Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer import naming
from seldon_deployer.local.orchestrator import GRPC_PORT, HTTP_PORT, engine_container
from seldon_deployer.local.pod_defaults import default_deployment
from seldon_deployer.local.unit_container import add_model_download, dress_unit
from seldon_deployer.manifest.defaulting import apply_defaults
from seldon_deployer.naming import seldon_name

Object = dict[str, Any]

LAST_APPLIED_ANNOTATION = "seldon.io/last-applied"
DEPLOYMENT_ID_LABEL = "seldon-deployment-id"
_TYPE_LABELS = {
    "MODEL": "seldon.io/model",
    "TRANSFORMER": "seldon.io/transformer",
    "OUTPUT_TRANSFORMER": "seldon.io/output-transformer",
    "ROUTER": "seldon.io/router",
    "COMBINER": "seldon.io/combiner",
}


class OperatorError(Exception):
    """The operator cannot act on this resource; the text goes to its `status.description`."""


@dataclass(frozen=True)
class Plan:
    """The objects that a SeldonDeployment wants, in the order they are made."""

    services: tuple[Object, ...]
    deployments: tuple[Object, ...]
    address: str


def make_plan(sdep: Object) -> Plan:
    """Plan the objects of a stored SeldonDeployment; raises OperatorError with Seldon's words.

    A predictor is one unit here: larger graphs, shadows and explainers are refused by name.
    """
    namespace = sdep["metadata"]["namespace"]
    full = apply_defaults(sdep, namespace)
    _refuse_what_is_not_there(full)
    services: list[Object] = []
    deployments: list[Object] = []
    for predictor in full["spec"]["predictors"]:
        deployments.append(_plan_deployment(full, predictor))
        services += _plan_services(full, predictor)
    _check_services(services)
    return Plan(tuple(services), tuple(deployments), _address(full))


def has_orchestrator(predictor: Object) -> bool:
    """Whether the predictor's pod holds the orchestrator's container."""
    annotations = predictor.get("annotations") or {}
    return bool(annotations.get(naming.NO_ENGINE_ANNOTATION) != "true")


def last_applied(deployment: Object) -> str:
    """The annotation that records what the operator wanted: zipped JSON in base64."""
    buffer = io.BytesIO()
    # A fixed date: equal objects give equal annotations.
    entry = zipfile.ZipInfo("original", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, json.dumps(deployment, separators=(",", ":"), sort_keys=True))
    return base64.b64encode(buffer.getvalue()).decode()


def _plan_deployment(sdep: Object, predictor: Object) -> Object:
    component = predictor["componentSpecs"][0]
    unit = predictor["graph"]
    with_engine = has_orchestrator(predictor)
    spec = sdep["spec"]
    metadata = component.get("metadata", {})
    names = [container["name"] for container in component["spec"]["containers"]]
    pod = _plan_pod(sdep, predictor)
    name = seldon_name(*_ids(sdep, predictor), "0", metadata.get("name") or "-".join(names))
    selector = {
        DEPLOYMENT_ID_LABEL: seldon_name(sdep["metadata"]["name"]),
        "seldon-app": _predictor_service(sdep, predictor),
        f"seldon-app-svc-{unit['name']}": _unit_service(sdep, predictor),
    }
    labels = {
        "app": name,
        "app.kubernetes.io/managed-by": "seldon-core",
        "fluentd": "true",
        **_type_label(unit),
        **predictor.get("labels", {}),
        **metadata.get("labels", {}),
        **selector,
    }
    annotations = {
        **(spec.get("annotations") or {}),
        **(predictor.get("annotations") or {}),
        **(metadata.get("annotations") or {}),
    }
    scrape = {"prometheus.io/path": "/prometheus", "prometheus.io/scrape": "true"}
    engine_label = {"seldon-deployment-contains-svcorch": "true"} if with_engine else {}
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": sdep["metadata"]["namespace"],
            "labels": {**labels, **engine_label},
            "annotations": annotations,
            "ownerReferences": [_owner(sdep)],
        },
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": labels, "annotations": {**scrape, **annotations}},
                "spec": pod,
            },
            # The operator asks for 10 %; its code serialises that as 0.
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
            },
        },
    }
    if (replicas := _replicas(spec, predictor, component)) is not None:
        deployment["spec"]["replicas"] = replicas
    if (deadline := predictor.get("progressDeadlineSeconds")) is not None:
        deployment["spec"]["progressDeadlineSeconds"] = deadline
    recorded = last_applied(deployment)
    filled = default_deployment(deployment)
    filled["metadata"]["annotations"][LAST_APPLIED_ANNOTATION] = recorded
    if replicas is None:
        # Not ours to say: the live value of `kubectl scale deployment` stays.
        del filled["spec"]["replicas"]
    return filled


def _plan_pod(sdep: Object, predictor: Object) -> Object:
    """The pod's spec; dresses the predictor's own containers, as the orchestrator is told them."""
    unit = predictor["graph"]
    metadata = sdep["metadata"]
    protocol = sdep["spec"].get("protocol") or "seldon"
    spec = predictor["componentSpecs"][0]["spec"]
    container = _containers(predictor, unit["name"])[0]
    dress_unit(
        container,
        unit,
        predictor,
        name=metadata["name"],
        namespace=metadata["namespace"],
        protocol=protocol,
    )
    mounts_before = list(container.get("volumeMounts", []))
    pod: Object = copy.deepcopy(spec)
    inner = next(item for item in pod["containers"] if item["name"] == unit["name"])
    pod["volumes"] = [*pod.get("volumes", []), _podinfo_volume()]
    if unit.get("modelUri"):
        add_model_download(pod, inner, unit)
        container["volumeMounts"] = [
            *mounts_before,
            *copy.deepcopy(inner["volumeMounts"][len(mounts_before) :]),
        ]
    pod.setdefault("terminationGracePeriodSeconds", 20)
    pod.setdefault("securityContext", {"runAsUser": 8888})
    if account := unit.get("serviceAccountName"):
        pod.setdefault("serviceAccountName", account)
    if has_orchestrator(predictor):
        pod["containers"].append(engine_container(sdep, predictor))
    return pod


def _plan_services(sdep: Object, predictor: Object) -> Iterator[Object]:
    unit = predictor["graph"]
    endpoint = unit["endpoint"]
    ports = endpoint["httpPort"], endpoint["grpcPort"]
    unit_service = _unit_service(sdep, predictor)
    front = _predictor_service(sdep, predictor)
    labels = {
        "app.kubernetes.io/managed-by": "seldon-core",
        "seldon-app": front,
        DEPLOYMENT_ID_LABEL: seldon_name(sdep["metadata"]["name"]),
    }
    key = f"seldon-app-svc-{unit['name']}"
    unit_labels = {**labels, key: unit_service, **_type_label(unit)}
    yield _service(sdep, predictor, unit_service, unit_labels, {key: unit_service}, ports)
    front_ports = (HTTP_PORT, GRPC_PORT)
    if not has_orchestrator(predictor):
        # The predictor's Service is then the unit's own in all but the name.
        front_ports, labels = ports, {**labels, **_type_label(unit)}
    headless = (sdep["spec"].get("annotations") or {}).get("seldon.io/headless-svc", "false")
    service = _service(sdep, predictor, front, labels, {"seldon-app": front}, front_ports)
    if headless != "false":
        service["spec"]["clusterIP"] = "None"
    yield service


def _service(
    sdep: Object,
    predictor: Object,
    name: str,
    labels: dict[str, str],
    selector: dict[str, str],
    ports: tuple[int, int],
) -> Object:
    metadata: Object = {
        "name": name,
        "namespace": sdep["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [_owner(sdep)],
    }
    if annotations := predictor.get("annotations"):
        metadata["annotations"] = dict(annotations)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "ports": [
                {"name": label, "protocol": "TCP", "port": port, "targetPort": port}
                for label, port in zip(("http", "grpc"), ports, strict=True)
            ],
            "selector": selector,
            "type": "ClusterIP",
            "sessionAffinity": "None",
        },
    }


def _refuse_what_is_not_there(sdep: Object) -> None:
    hint = "Deploy it to a cluster with Seldon Core instead."
    for predictor in sdep["spec"]["predictors"]:
        name, graph = predictor["name"], predictor["graph"]
        if graph.get("children") or len(predictor.get("componentSpecs", [])) > 1:
            raise OperatorError(
                f"The embedded runtime serves graphs of one unit; predictor {name} has more. {hint}"
            )
        if predictor.get("shadow") or (predictor.get("explainer") or {}).get("type"):
            raise OperatorError(
                f"The embedded runtime has no shadows and no explainers; predictor {name} asks "
                f"for one. {hint}"
            )
        if not _containers(predictor, graph["name"]):
            # An orchestrator alone: Seldon's operator finds no pod to put it in.
            raise OperatorError(
                "engine not separate and no pu with localhost service - not clear where to inject "
                "engine"
            )
        if graph.get("type", "MODEL") != "MODEL":
            raise OperatorError(
                f"The embedded runtime serves units of type MODEL; unit {graph['name']} is of "
                f"type {graph['type']}. {hint}"
            )


def _containers(predictor: Object, name: str) -> list[Object]:
    components = predictor.get("componentSpecs") or [{"spec": {"containers": []}}]
    return [item for item in components[0]["spec"]["containers"] if item["name"] == name]


def _check_services(services: list[Object]) -> None:
    """Refuse what the API server refuses, in its words."""
    for service in services:
        name, labels = service["metadata"]["name"], service["metadata"]["labels"]
        if not naming.is_dns_label(name):
            raise OperatorError(
                f'Service "{name}" is invalid: metadata.name: Invalid value: "{name}": a DNS-1035 '
                "label must consist of lower case alphanumeric characters or '-', start with an "
                "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  "
                "or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
            )
        for key in labels:
            if len(key.rpartition("/")[2]) > 63:
                fault = f'Invalid value: "{key}": name part must be no more than 63 characters'
                raise OperatorError(
                    f'Service "{name}" is invalid: [metadata.labels: {fault}, '
                    f"spec.selector: {fault}]"
                )


def _replicas(spec: Object, predictor: Object, component: Object) -> int | None:
    if component.get("hpaSpec") or component.get("kedaSpec"):
        return None
    for level in (component, predictor, spec):
        if (replicas := level.get("replicas")) is not None:
            return int(replicas)
    return None


def _address(sdep: Object) -> str:
    predictor = sdep["spec"]["predictors"][0]
    graph, protocol = predictor["graph"], sdep["spec"].get("protocol") or "seldon"
    port = HTTP_PORT if has_orchestrator(predictor) else graph["endpoint"]["httpPort"]
    paths = {
        "v2": f"v2/models/{graph['name']}/infer",
        "kfserving": f"v2/models/{graph['name']}/infer",
        "tensorflow": f"v1/models/{graph['name']}:predict",
    }
    host = f"{_predictor_service(sdep, predictor)}.{sdep['metadata']['namespace']}"
    path = paths.get(protocol, "api/v1.0/predictions")
    return f"http://{host}.svc.cluster.local:{port}/{path}"


def _predictor_service(sdep: Object, predictor: Object) -> str:
    annotations = predictor.get("annotations") or {}
    chosen = annotations.get("seldon.io/svc-name")
    return str(chosen or seldon_name(*_ids(sdep, predictor)))


def _unit_service(sdep: Object, predictor: Object) -> str:
    return seldon_name(*_ids(sdep, predictor), predictor["graph"]["name"])


def _ids(sdep: Object, predictor: Object) -> tuple[str, str]:
    return sdep["metadata"]["name"], predictor["name"]


def _type_label(unit: Object) -> dict[str, str]:
    label = _TYPE_LABELS.get(unit.get("type", "MODEL"))
    return {label: "true"} if label else {}


def _owner(sdep: Object) -> Object:
    metadata = sdep["metadata"]
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _podinfo_volume() -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.annotations"}
    return {
        "name": "seldon-podinfo",
        "downwardAPI": {
            "items": [{"path": "annotations", "fieldRef": field}],
            "defaultMode": 420,
        },
    }
