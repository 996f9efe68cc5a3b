"""What a drawing shows of a graph, whether the user wrote it or a manifest has it.

A manifest's tree is turned back into the order in which the request goes: what a combiner or an
output transformer does comes after the children that Seldon hangs below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer.graph.nodes import ABTest, Graph, Model
from seldon_deployer.graph.tree import components, lay_out, write_graph
from seldon_deployer.graph.unit import Unit

Object = dict[str, Any]

_ROLES = {
    "MODEL": "model",
    "TRANSFORMER": "transformer",
    "OUTPUT_TRANSFORMER": "output transformer",
    "ROUTER": "router",
    "COMBINER": "combiner",
}
_NO_SERVERS = ("", "UNKNOWN_IMPLEMENTATION")


@dataclass(frozen=True)
class Box:
    """One unit: its role, what runs in it, and the number of its pod where there are several."""

    name: str
    role: str
    runs: str = ""
    pod: int | None = None


@dataclass(frozen=True)
class Step:
    """A box and the branches that go out of it; `joins`: it is where they come together."""

    box: Box
    branches: tuple[Flow, ...] = ()
    joins: bool = False


# Steps one after the other.
Flow = tuple[Step, ...]


def sketch(graph: Graph) -> Flow:
    """A graph of the user's as boxes."""
    by_name = {each.node.name: each.node for each in lay_out(graph).walk()}
    pods = [[unit.name for unit in pod.units] for pod in components(graph)]

    def box(unit: Object) -> Box:
        node = by_name[unit["name"]]
        if isinstance(node, ABTest):
            return _box_of_test(unit)
        return Box(node.name, _ROLES[node.seldon_type], _what_runs(node), _pod(node.name, pods))

    return _flow(write_graph(graph, _write_unit), box)


def sketch_predictor(predictor: Object) -> Flow:
    """The graph of a manifest's predictor as boxes."""
    specs = [each.get("spec") or {} for each in predictor.get("componentSpecs") or []]
    groups = [spec.get("containers") or [] for spec in specs]
    containers = {each["name"]: each for group in groups for each in group}
    pods = [[each["name"] for each in group] for group in groups]

    def box(unit: Object) -> Box:
        if unit.get("implementation") == "RANDOM_ABTEST":
            return _box_of_test(unit)
        role = _ROLES.get(unit.get("type") or "", "" if unit.get("methods") else "model")
        runs = _what_manifest_runs(unit, containers.get(unit["name"], {}))
        return Box(unit["name"], role or "unit", runs, _pod(unit["name"], pods))

    return _flow(predictor["graph"], box)


def boxes(flow: Flow) -> Iterator[Box]:
    """All boxes, as the request meets them."""
    for step in flow:
        if not step.joins:
            yield step.box
        for branch in step.branches:
            yield from boxes(branch)
        if step.joins:
            yield step.box


def _flow(unit: Object, box: Any) -> Flow:
    methods = unit.get("methods") or []
    kind = unit.get("type")
    children = tuple(_flow(child, box) for child in unit.get("children") or [])
    if kind == "COMBINER" or "AGGREGATE" in methods:
        return (Step(box(unit), children, joins=True),)
    if len(children) > 1 or kind == "ROUTER" or "ROUTE" in methods:
        return (Step(box(unit), children),)
    below = children[0] if children else ()
    comes_after = kind == "OUTPUT_TRANSFORMER" or methods == ["TRANSFORM_OUTPUT"]
    return (*below, Step(box(unit))) if comes_after else (Step(box(unit)), *below)


def _write_unit(unit: Unit) -> Object:
    return {"name": unit.name, "type": unit.seldon_type}


def _what_runs(unit: Unit) -> str:
    server = unit.implementation if isinstance(unit, Model) else None
    return _words(server or unit.python_class or unit.image, unit.model_uri)


def _what_manifest_runs(unit: Object, container: Object) -> str:
    server = unit.get("implementation") or ""
    env = {each.get("name"): each.get("value") for each in container.get("env") or []}
    own = env.get("MODEL_NAME") or container.get("image")
    return _words(own if server in _NO_SERVERS else server, unit.get("modelUri"))


def _words(*words: str | None) -> str:
    return ", ".join(word for word in words if word)


def _box_of_test(unit: Object) -> Box:
    parameters = unit.get("parameters") or []
    # Seldon reads ratioA only where it is the one parameter.
    share = 0.5
    if [each.get("name") for each in parameters] == ["ratioA"]:
        try:
            share = float(parameters[0]["value"])
        except ValueError:
            share = 0.5
    return Box(unit["name"], "A/B test", f"{share:.4g} : {1 - share:.4g}")


def _pod(name: str, pods: list[list[str]]) -> int | None:
    """The number of a unit's pod, from 1; None where there is one pod only."""
    found = [number for number, names in enumerate(pods, start=1) if name in names]
    return found[-1] if found and len(pods) > 1 else None
