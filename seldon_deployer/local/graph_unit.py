"""The graph of a predictor as the orchestrator is told it, in its environment."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

LOCALHOST = "localhost"
# The orchestrator's variable that holds its predictor.
PREDICTOR_VARIABLE = "ENGINE_PREDICTOR"


@dataclass(frozen=True)
class GraphUnit:
    """A unit: what it does, what is below it, and where it is.

    host: `localhost` beside the orchestrator, else the unit's Service; '' where no container is.
    ratio: the share of the first child of an A/B test.
    """

    name: str
    type: str = ""
    implementation: str = ""
    methods: frozenset[str] = frozenset()
    ratio: float = 0.5
    host: str = ""
    children: tuple[GraphUnit, ...] = ()

    @property
    def service(self) -> str | None:
        """The Service before the unit, or None where it is beside the orchestrator."""
        return None if self.host in ("", LOCALHOST) else self.host.partition(".")[0]

    @property
    def is_built_in(self) -> bool:
        """Whether the orchestrator does its work, so that there is no container."""
        return not self.host

    def walk(self) -> Iterator[GraphUnit]:
        """This unit and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> GraphUnit | None:
        """The unit of that name at or below this one."""
        return next((unit for unit in self.walk() if unit.name == name), None)


def read_graph(obj: Object) -> GraphUnit:
    """Read a defaulted graph."""
    return GraphUnit(
        name=obj["name"],
        type=obj.get("type") or "",
        implementation=obj.get("implementation") or "",
        methods=frozenset(obj.get("methods") or ()),
        ratio=_ratio(obj.get("parameters") or []),
        host=(obj.get("endpoint") or {}).get("service_host") or "",
        children=tuple(read_graph(child) for child in obj.get("children") or ()),
    )


def decode_predictor(text: str) -> Object:
    """Read the orchestrator's variable; raises ValueError where it is none of Seldon's."""
    predictor = json.loads(base64.b64decode(text, validate=True))
    if not isinstance(predictor, dict) or "graph" not in predictor:
        raise ValueError(f"{PREDICTOR_VARIABLE} holds no predictor")
    return predictor


def _ratio(parameters: list[Object]) -> float:
    # Read only where it is the one parameter.
    if len(parameters) != 1 or parameters[0].get("name") != "ratioA":
        return 0.5
    try:
        return float(parameters[0]["value"])
    except ValueError:
        return 0.5
