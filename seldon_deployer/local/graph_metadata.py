"""What a whole graph takes and gives, from what its units say of themselves.

Source: Seldon Core 1.17.1's executor, observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seldon_deployer.local.graph_unit import GraphUnit

Object = dict[str, Any]

_FIELDS = ("name", "platform", "versions", "inputs", "outputs", "custom")
# These may be anything to Go, so an empty list is something.
_SHAPES = frozenset(("inputs", "outputs"))


def graph_metadata(predictor: str, graph: GraphUnit, models: Mapping[str, Object]) -> Object:
    """The graph's metadata; `models` has that of each unit with a container, by name."""
    inputs, outputs = _shape(graph, models)
    return {
        "name": predictor,
        "models": {name: _model(models[name]) for name in sorted(models)},
        "graphinputs": _in_order(inputs),
        "graphoutputs": _in_order(outputs),
    }


def _model(model: Object) -> Object:
    given = {field: model.get(field) for field in _FIELDS}
    return {
        field: _in_order(value)
        for field, value in given.items()
        if value or (value is not None and field in _SHAPES)
    }


def _shape(unit: GraphUnit, models: Mapping[str, Object]) -> tuple[Any, Any]:
    """What goes into a unit with all that is below it, and what comes out."""
    own = models.get(unit.name, {})
    inputs, outputs = own.get("inputs"), own.get("outputs")
    if not unit.children:
        return inputs, outputs
    first_inputs, first_outputs = _shape(unit.children[0], models)
    if unit.type in ("MODEL", "TRANSFORMER"):
        return inputs, first_outputs
    if unit.type in ("OUTPUT_TRANSFORMER", "COMBINER"):
        return first_inputs, outputs
    # A router, and an A/B test, which answers nothing itself.
    return first_inputs, first_outputs


def _in_order(value: Any) -> Any:
    """What Go reads into a map it writes by name."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value
