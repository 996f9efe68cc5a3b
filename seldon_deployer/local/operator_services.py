"""The Services that Seldon's operator makes: one before each unit, one before each predictor.

Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.local.operator_names import (
    DEPLOYMENT_ID_LABEL,
    FRONT_LABEL,
    MANAGED_BY,
    has_orchestrator,
    kind_labels,
    owner,
    predictor_service,
    unit_label,
    unit_service,
)
from seldon_deployer.local.orchestrator import GRPC_PORT, HTTP_PORT
from seldon_deployer.manifest.graph import find_container, units
from seldon_deployer.naming import seldon_name

Object = dict[str, Any]


def plan_services(sdep: Object, predictor: Object) -> Iterator[Object]:
    """The Services of one predictor of a defaulted SeldonDeployment, its own last."""
    front = predictor_service(sdep, predictor)
    labels = {
        **MANAGED_BY,
        FRONT_LABEL: front,
        DEPLOYMENT_ID_LABEL: seldon_name(sdep["metadata"]["name"]),
    }
    for unit in units(predictor["graph"]):
        if find_container(predictor, unit["name"]) is None:
            continue
        name, key = unit_service(sdep, predictor, unit["name"]), unit_label(unit["name"])
        own = {**labels, key: name, **kind_labels(predictor, unit)}
        yield _service(sdep, predictor, name, own, {key: name}, _ports(unit))
    ports = (HTTP_PORT, GRPC_PORT)
    if not has_orchestrator(predictor):
        # The predictor's Service is then the unit's own in all but the name.
        unit = predictor["graph"]
        ports, labels = _ports(unit), {**labels, **kind_labels(predictor, unit)}
    headless = (sdep["spec"].get("annotations") or {}).get("seldon.io/headless-svc", "false")
    service = _service(sdep, predictor, front, labels, {FRONT_LABEL: front}, ports)
    if headless != "false":
        service["spec"]["clusterIP"] = "None"
    yield service


def _ports(unit: Object) -> tuple[int, int]:
    return unit["endpoint"]["httpPort"], unit["endpoint"]["grpcPort"]


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
        "ownerReferences": [owner(sdep)],
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
