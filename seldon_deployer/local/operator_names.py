"""How Seldon's operator names and labels what it makes.

Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer import naming
from seldon_deployer.manifest.graph import SERVICE_NAME_ANNOTATION
from seldon_deployer.naming import seldon_name

Object = dict[str, Any]

DEPLOYMENT_ID_LABEL = "seldon-deployment-id"
# On the pods that the predictor's Service points at.
FRONT_LABEL = "seldon-app"
MANAGED_BY = {"app.kubernetes.io/managed-by": "seldon-core"}
_TYPE_LABELS = {
    "MODEL": "seldon.io/model",
    "TRANSFORMER": "seldon.io/transformer",
    "OUTPUT_TRANSFORMER": "seldon.io/output-transformer",
    "ROUTER": "seldon.io/router",
    "COMBINER": "seldon.io/combiner",
}


def has_orchestrator(predictor: Object) -> bool:
    """Whether an orchestrator stands before the predictor's units."""
    annotations = predictor.get("annotations") or {}
    return bool(annotations.get(naming.NO_ENGINE_ANNOTATION) != "true")


def is_separate(sdep: Object) -> bool:
    """Whether the orchestrators have pods of their own; the resource's own annotations say no."""
    annotations = sdep["spec"].get("annotations") or {}
    return bool(annotations.get(naming.ENGINE_SEPARATE_ANNOTATION) == "true")


def ids(sdep: Object, predictor: Object) -> tuple[str, str]:
    """What all names begin with."""
    return sdep["metadata"]["name"], predictor["name"]


def predictor_service(sdep: Object, predictor: Object) -> str:
    """The name of the Service before a predictor."""
    annotations = predictor.get("annotations") or {}
    chosen = annotations.get(SERVICE_NAME_ANNOTATION)
    return str(chosen or seldon_name(*ids(sdep, predictor)))


def unit_service(sdep: Object, predictor: Object, unit: str) -> str:
    """The name of the Service before a unit."""
    return seldon_name(*ids(sdep, predictor), unit)


def unit_label(unit: str) -> str:
    """The label of the pods that hold a unit; its value is the unit's Service."""
    return f"seldon-app-svc-{unit}"


def kind_labels(predictor: Object, unit: Object) -> dict[str, str]:
    """What a unit is, and whether its answers count."""
    label = _TYPE_LABELS.get(unit.get("type") or "")
    labels = {label: "true"} if label else {}
    return {**labels, "seldon.io/shadow": "true"} if predictor.get("shadow") else labels


def owner(sdep: Object) -> Object:
    """The reference by which everything goes with the SeldonDeployment."""
    metadata = sdep["metadata"]
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }
