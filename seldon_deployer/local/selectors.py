"""Label and field selectors: text to a predicate over objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seldon_deployer.local.objects import EVENTS, Resource
from seldon_deployer.local.status import bad_request

Object = dict[str, Any]
Predicate = Callable[[Object], bool]

_SET_REQUIREMENT = re.compile(r"\s*([^\s,()=!]+)\s+(in|notin)\s*\(([^)]*)\)\s*")
_EQUALITY = re.compile(r"\s*([^\s,()=!]+)\s*(==|=|!=)\s*([^\s,()=!]*)\s*")
_EXISTENCE = re.compile(r"\s*(!?)\s*([^\s,()=!]+)\s*")


def parse_selectors(resource: Resource, labels: str, fields: str) -> Predicate:
    """Join a label selector and a field selector into one predicate; '' selects all.

    Raises ApiError 400 for a selector that cannot be read or a field that is not selectable.
    """
    requirements = [*parse_labels(labels), *_parse_fields(resource, fields)]
    return lambda obj: all(requirement(obj) for requirement in requirements)


def parse_labels(text: str) -> list[Predicate]:
    """Read `a=b,c!=d,e in (f,g),h,!i`."""
    requirements: list[Predicate] = []
    rest = text
    while rest.strip():
        requirement, rest = _next_requirement(rest)
        requirements.append(requirement)
    return requirements


def _next_requirement(text: str) -> tuple[Predicate, str]:
    for pattern, build in _READERS:
        match = pattern.match(text)
        if match and (match.end() == len(text) or text[match.end()] == ","):
            return build(*match.groups()), text[match.end() + 1 :]
    raise bad_request(f"unable to parse requirement: found '{text}'")


def _labels(obj: Object) -> Object:
    return obj.get("metadata", {}).get("labels") or {}


def _set_requirement(key: str, operator: str, values: str) -> Predicate:
    wanted = {value.strip() for value in values.split(",")}
    if operator == "in":
        return lambda obj: _labels(obj).get(key) in wanted
    return lambda obj: _labels(obj).get(key) not in wanted


def _equality(key: str, operator: str, value: str) -> Predicate:
    if operator == "!=":
        return lambda obj: _labels(obj).get(key) != value
    return lambda obj: _labels(obj).get(key) == value


def _existence(negation: str, key: str) -> Predicate:
    if negation:
        return lambda obj: key not in _labels(obj)
    return lambda obj: key in _labels(obj)


_READERS: tuple[tuple[re.Pattern[str], Callable[..., Predicate]], ...] = (
    (_SET_REQUIREMENT, _set_requirement),
    (_EQUALITY, _equality),
    (_EXISTENCE, _existence),
)


def _parse_fields(resource: Resource, text: str) -> list[Predicate]:
    known = ("metadata.name", *resource.field_selectors)
    if resource.is_namespaced:
        known = (*known, "metadata.namespace")
    requirements = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        path, operator, value = match.groups()
        if path not in known:
            raise bad_request(f"field label not supported: {path}")
        requirements.append(_field_requirement(resource, path, operator == "!=", value))
    return requirements


def _field_requirement(resource: Resource, path: str, is_negated: bool, value: str) -> Predicate:
    steps = path.split(".")
    if resource.qualified == EVENTS.qualified and path == "source":
        steps = ["source", "component"]
    return lambda obj: (_read(obj, steps) == value) != is_negated


def _read(obj: Object, steps: list[str]) -> str:
    at: Any = obj
    for step in steps:
        at = at.get(step) if isinstance(at, dict) else None
    if isinstance(at, bool):
        return "true" if at else "false"
    return "" if at is None else str(at)
