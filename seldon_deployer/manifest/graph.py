"""Reading the graph of a predictor: its units and their containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

# Of the orchestrator, any value: answers tell in their meta which way they came.
ROUTING_VARIABLE = "SELDON_ENABLE_ROUTING_INJECTION"
SERVICE_NAME_ANNOTATION = "seldon.io/svc-name"


def predictors(obj: Object) -> list[Object]:
    """The predictors of a SeldonDeployment; [] when it has none."""
    return (obj.get("spec") or {}).get("predictors") or []


def units(graph: Object) -> Iterator[Object]:
    """A graph's units, depth first, parents before children."""
    yield graph
    for child in graph.get("children") or []:
        yield from units(child)


def pods(predictor: Object) -> list[Object]:
    """The pod specification of each of a predictor's components, in order."""
    return [component.get("spec") or {} for component in predictor.get("componentSpecs") or []]


def containers(predictor: Object) -> Iterator[Object]:
    """The containers of all components of a predictor, in order."""
    for pod in pods(predictor):
        yield from pod.get("containers") or []


def find_container(predictor: Object, name: str) -> Object | None:
    """The container of that name, in whichever component it is."""
    return next((one for one in containers(predictor) if one["name"] == name), None)
