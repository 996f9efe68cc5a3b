"""SeldonDeployments for tests: small, whole, and free to change."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Object = dict[str, Any]

MISSING = object()


def unit(name: str = "classifier", **fields: Any) -> Object:
    return {"name": name, "implementation": "SKLEARN_SERVER", "modelUri": "s3://models/m", **fields}


def custom_unit(name: str = "classifier", **fields: Any) -> Object:
    return {"name": name, "type": "MODEL", **fields}


def pod(*names: str, **fields: Any) -> Object:
    containers = [{"name": name, "image": f"registry.local/{name}:1"} for name in names]
    return {"spec": {"containers": containers, **fields}}


def predictor(name: str = "default", graph: Object | None = None, **fields: Any) -> Object:
    return {"name": name, "graph": graph or unit(), **fields}


def deployment(*predictors: Object, name: str = "iris", **spec: Any) -> Object:
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "namespace": "models"},
        "spec": {"predictors": list(predictors) or [predictor()], **spec},
    }


def changed(obj: Object, *path: str | int, to: Any) -> Object:
    """A copy with the value at `path` set, or removed where `to` is MISSING."""
    copy = deepcopy(obj)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    if to is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return copy
