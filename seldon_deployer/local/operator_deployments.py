"""The Deployments that Seldon's operator makes: one for each component, or for the orchestrator.

Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from seldon_deployer.local.certificate import add_certificate
from seldon_deployer.local.operator_names import (
    DEPLOYMENT_ID_LABEL,
    FRONT_LABEL,
    MANAGED_BY,
    has_orchestrator,
    ids,
    is_separate,
    kind_labels,
    owner,
    predictor_service,
    unit_label,
    unit_service,
)
from seldon_deployer.local.orchestrator import engine_container
from seldon_deployer.local.pod_defaults import default_deployment
from seldon_deployer.local.tensorflow_serving import add_serving, is_behind_proxy
from seldon_deployer.local.unit_container import add_model_download, dress_unit
from seldon_deployer.manifest.defaulting import PODINFO_VOLUME
from seldon_deployer.manifest.graph import containers, units
from seldon_deployer.naming import seldon_name

Object = dict[str, Any]

LAST_APPLIED_ANNOTATION = "seldon.io/last-applied"
_UNIT_PORTS = ("http", "grpc")
_CONTAINS_ENGINE = {"seldon-deployment-contains-svcorch": "true"}
_SCRAPE = {"prometheus.io/path": "/prometheus", "prometheus.io/scrape": "true"}


def plan_deployments(sdep: Object, predictor: Object) -> list[Object]:
    """The Deployments of one predictor of a defaulted SeldonDeployment, by its components.

    The predictor's containers are dressed on the way, as the orchestrator is told of them.
    """
    separate = is_separate(sdep) and has_orchestrator(predictor)
    undressed = _without_ports(predictor)
    pods = [_plan_pod(sdep, predictor, one) for one in predictor["componentSpecs"]]
    if has_orchestrator(predictor) and not separate:
        pods[0]["containers"].append(engine_container(sdep, predictor))
    for pod in pods:
        add_certificate(pod, predictor)
    deployments = [
        _component_deployment(sdep, predictor, index, pod, is_front=index == 0 and not separate)
        for index, pod in enumerate(pods)
    ]
    if separate:
        deployments.append(_engine_deployment(sdep, undressed))
    return deployments


def last_applied(deployment: Object) -> str:
    """The annotation that records what the operator wanted: zipped JSON in base64."""
    buffer = io.BytesIO()
    # A fixed date: equal objects give equal annotations.
    entry = zipfile.ZipInfo("original", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, json.dumps(deployment, separators=(",", ":"), sort_keys=True))
    return base64.b64encode(buffer.getvalue()).decode()


def _without_ports(predictor: Object) -> Object:
    """A copy as an orchestrator in a pod of its own is told it: before containers are dressed."""
    undressed = copy.deepcopy(predictor)
    for container in containers(undressed):
        if ports := container.get("ports"):
            container["ports"] = [each for each in ports if each.get("name") not in _UNIT_PORTS]
    return undressed


def _component_deployment(
    sdep: Object, predictor: Object, index: int, pod: Object, *, is_front: bool
) -> Object:
    component = predictor["componentSpecs"][index]
    metadata = component.get("metadata") or {}
    names = [container["name"] for container in component["spec"]["containers"]]
    name = seldon_name(*ids(sdep, predictor), str(index), metadata.get("name") or "-".join(names))
    own_units = list(_units_of(predictor, component))
    selector = {DEPLOYMENT_ID_LABEL: seldon_name(sdep["metadata"]["name"])}
    if is_front:
        selector[FRONT_LABEL] = predictor_service(sdep, predictor)
    for unit in own_units:
        selector[unit_label(unit["name"])] = unit_service(sdep, predictor, unit["name"])
    labels = {"app": name, **MANAGED_BY, "fluentd": "true"}
    for unit in own_units:
        labels |= kind_labels(predictor, unit)
    labels |= {**(predictor.get("labels") or {}), **(metadata.get("labels") or {}), **selector}
    holds_engine = is_front and has_orchestrator(predictor)
    annotations = _annotations(sdep, predictor, metadata)
    return _deployment(
        sdep,
        predictor,
        labels={**labels, **(_CONTAINS_ENGINE if holds_engine else {})},
        pod_labels=labels,
        annotations=annotations,
        pod_annotations=annotations,
        selector=selector,
        pod=pod,
        replicas=_replicas(sdep["spec"], predictor, component),
    )


def _engine_deployment(sdep: Object, predictor: Object) -> Object:
    """An orchestrator in pods of its own. Its id is not the resource's: the operator's quirk."""
    name = seldon_name(*ids(sdep, predictor), "svc-orch")
    selector = {
        DEPLOYMENT_ID_LABEL: seldon_name(*ids(sdep, predictor)),
        FRONT_LABEL: predictor_service(sdep, predictor),
    }
    labels = {"app": name, **(predictor.get("labels") or {}), **selector}
    pod = {
        "containers": [engine_container(sdep, predictor)],
        "volumes": [_podinfo_volume()],
        "terminationGracePeriodSeconds": 20,
        "securityContext": {"runAsUser": 8888},
        "serviceAccountName": "default",
        "serviceAccount": "default",
    }
    add_certificate(pod, predictor)
    return _deployment(
        sdep,
        predictor,
        labels={**labels, "fluentd": "true", **_CONTAINS_ENGINE},
        pod_labels=labels,
        annotations=_annotations(sdep, {}, {}),
        pod_annotations={},
        selector=selector,
        pod=pod,
        replicas=(predictor.get("svcOrchSpec") or {}).get("replicas"),
    )


def _deployment(
    sdep: Object,
    predictor: Object,
    *,
    labels: dict[str, str],
    pod_labels: dict[str, str],
    annotations: dict[str, str],
    pod_annotations: dict[str, str],
    selector: dict[str, str],
    pod: Object,
    replicas: int | None,
) -> Object:
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": labels["app"],
            "namespace": sdep["metadata"]["namespace"],
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner(sdep)],
        },
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": pod_labels, "annotations": {**_SCRAPE, **pod_annotations}},
                "spec": pod,
            },
            # The operator asks for 10 %; its code serialises that as 0.
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
            },
        },
    }
    if replicas is not None:
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


def _annotations(sdep: Object, predictor: Object, metadata: Object) -> dict[str, str]:
    return {
        **(sdep["spec"].get("annotations") or {}),
        **(predictor.get("annotations") or {}),
        **(metadata.get("annotations") or {}),
    }


def _plan_pod(sdep: Object, predictor: Object, component: Object) -> Object:
    """A component's pod; dresses its containers of units, in place too."""
    metadata, protocol = sdep["metadata"], sdep["spec"].get("protocol") or "seldon"
    found = []
    for unit in _units_of(predictor, component):
        container = _container(component["spec"], unit["name"])
        dress_unit(
            container,
            unit,
            predictor,
            name=metadata["name"],
            namespace=metadata["namespace"],
            protocol=protocol,
        )
        found.append((unit, container))
    pod: Object = copy.deepcopy(component["spec"])
    pod["volumes"] = [*pod.get("volumes", []), _podinfo_volume()]
    for unit, container in found:
        if is_behind_proxy(unit, protocol):
            serving = add_serving(pod, unit)
            if unit.get("modelUri"):
                add_model_download(pod, serving, unit)
        elif unit.get("modelUri"):
            inner = _container(pod, unit["name"])
            add_model_download(pod, inner, unit)
            container["volumeMounts"] = copy.deepcopy(inner["volumeMounts"])
        if account := unit.get("serviceAccountName"):
            pod.setdefault("serviceAccountName", account)
    pod.setdefault("terminationGracePeriodSeconds", 20)
    pod.setdefault("securityContext", {"runAsUser": 8888})
    return pod


def _units_of(predictor: Object, component: Object) -> Iterator[Object]:
    """The units whose containers are in a component, as the graph has them."""
    names = {container["name"] for container in component["spec"]["containers"]}
    return (unit for unit in units(predictor["graph"]) if unit["name"] in names)


def _container(pod: Object, name: str) -> Object:
    found: Object = next(item for item in pod["containers"] if item["name"] == name)
    return found


def _replicas(spec: Object, predictor: Object, component: Object) -> int | None:
    if component.get("hpaSpec") or component.get("kedaSpec"):
        return None
    for level in (component, predictor, spec):
        if (replicas := level.get("replicas")) is not None:
            return int(replicas)
    return None


def _podinfo_volume() -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.annotations"}
    return {
        "name": PODINFO_VOLUME,
        "downwardAPI": {
            "items": [{"path": "annotations", "fieldRef": field}],
            "defaultMode": 420,
        },
    }
