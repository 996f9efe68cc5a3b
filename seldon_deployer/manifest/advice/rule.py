"""What a rule of advice is, and the walk over a resource that rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from seldon_deployer.catalogue import Server, known_servers
from seldon_deployer.manifest.graph import predictors

Object = dict[str, Any]

Severity = Literal["error", "warning"]
# The field, and what is wrong there.
Finding = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that Seldon accepts and should not.

    severity: `error` where the operator was seen to fail on it or the API server refuses what the
    operator makes of it, else `warning`.
    reason: what Seldon does with it, for all findings alike.
    find: reads a resource that is valid by the schema, without nulls and unknown fields; with
    them where the rule is about what is `as_written`.
    """

    name: str
    severity: Severity
    reason: str
    find: Callable[[Object], Iterable[Finding]]
    as_written: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What one rule found at one field."""

    rule: str
    severity: Severity
    field: str
    message: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def each_predictor(obj: Object) -> Iterator[tuple[str, Object]]:
    """The predictors with their paths."""
    for index, predictor in enumerate(predictors(obj)):
        yield f"spec.predictors[{index}]", predictor


def each_unit(obj: Object) -> Iterator[tuple[str, Object, Object]]:
    """The units with their paths and their predictors, parents before children."""
    for path, predictor in each_predictor(obj):
        for unit_path, unit in _walk(f"{path}.graph", predictor["graph"]):
            yield unit_path, unit, predictor


def each_container(obj: Object) -> Iterator[tuple[str, Object, Object]]:
    """The containers of components, init containers too, with their paths and predictors."""
    for path, predictor in each_predictor(obj):
        for index, component in enumerate(predictor.get("componentSpecs") or []):
            for kind in ("initContainers", "containers"):
                for number, container in enumerate((component.get("spec") or {}).get(kind) or []):
                    place = f"{path}.componentSpecs[{index}].spec.{kind}[{number}]"
                    yield place, container, predictor


def our_server(container: Object) -> Server | None:
    """The server of ours that a container runs; None for any other."""
    env = {each["name"]: each.get("value") for each in container.get("env") or []}
    for server in known_servers().values():
        if not server.is_prepackaged and server.local_class == env.get("MODEL_NAME"):
            return server
    return None


def quote(value: object) -> str:
    """A value inside a message."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def _walk(path: str, unit: Object) -> Iterator[tuple[str, Object]]:
    yield path, unit
    for index, child in enumerate(unit.get("children") or []):
        yield from _walk(f"{path}.children[{index}]", child)
