"""Names that the API accepts and Seldon's operator then fails on, or replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seldon_deployer.catalogue import is_prepackaged
from seldon_deployer.manifest.advice.rule import (
    Finding,
    Rule,
    each_container,
    each_predictor,
    each_unit,
    quote,
)
from seldon_deployer.manifest.expected import expected_deployments, expected_services
from seldon_deployer.manifest.graph import SERVICE_NAME_ANNOTATION, find_container, units
from seldon_deployer.naming import is_dns_label, seldon_name

Object = dict[str, Any]

_PART = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DIGEST = re.compile(r"seldon-[0-9a-f]{32}")
_UNIT_LABEL = "seldon-app-svc-"
_LONGEST_KEY = 63


def _bad_names(obj: Object) -> Iterator[Finding]:
    name = obj["metadata"]["name"]
    if not is_dns_label(name):
        yield _bad("metadata.name", name)
    for path, predictor in each_predictor(obj):
        if not _PART.fullmatch(predictor["name"]):
            yield _bad(f"{path}.name", predictor["name"])
        service = (predictor.get("annotations") or {}).get(SERVICE_NAME_ANNOTATION)
        if service is not None and not is_dns_label(seldon_name(service)):
            yield _bad(f"{path}.annotations[{SERVICE_NAME_ANNOTATION}]", service)
    for path, unit, predictor in each_unit(obj):
        if _has_service(unit, predictor) and not _PART.fullmatch(unit["name"]):
            yield _bad(f"{path}.name", unit["name"])


def _bad_container_names(obj: Object) -> Iterator[Finding]:
    for path, container, predictor in each_container(obj):
        name = container["name"]
        if any(unit["name"] == name for unit in units(predictor["graph"])):
            continue
        if len(name) > _LONGEST_KEY or not _PART.fullmatch(name):
            rule = "at most 63 lower-case letters, digits and hyphens"
            yield f"{path}.name", f"{quote(name)} is no name of a container: {rule}"


def _long_unit_names(obj: Object) -> Iterator[Finding]:
    limit = _LONGEST_KEY - len(_UNIT_LABEL)
    for path, unit, predictor in each_unit(obj):
        if _has_service(unit, predictor) and len(unit["name"]) > limit:
            yield f"{path}.name", f"{quote(unit['name'])} has more than {limit} characters"


def _repeated_units(obj: Object) -> Iterator[Finding]:
    seen: dict[int, set[str]] = {}
    for path, unit, predictor in each_unit(obj):
        names = seen.setdefault(id(predictor), set())
        if unit["name"] in names:
            yield f"{path}.name", f"two units of the predictor are named {quote(unit['name'])}"
        names.add(unit["name"])


def _replaced_names(obj: Object) -> Iterator[Finding]:
    made = [f"Deployment {name}" for name in expected_deployments(obj)]
    made += [f"Service {name}" for name in expected_services(obj)]
    replaced = [each for each in made if _DIGEST.fullmatch(each.partition(" ")[2])]
    if replaced:
        yield "metadata.name", f"names get too long, and become {', '.join(replaced)}"


def _has_service(unit: Object, predictor: Object) -> bool:
    """Whether the operator makes a Service for the unit: it does for each container."""
    has_container = find_container(predictor, unit["name"]) is not None
    return has_container or is_prepackaged(unit.get("implementation"))


def _bad(path: str, value: str) -> Finding:
    rule = "lower-case letters, digits and hyphens, a letter first, a letter or digit last"
    return path, f"{quote(value)} cannot be part of a Service's name: {rule}"


RULES = (
    Rule(
        "name-characters",
        "error",
        "the operator makes Services of this name, the API server refuses them, the state is "
        "Failed",
        _bad_names,
    ),
    Rule(
        "container-name",
        "error",
        "the API server refuses the operator's Deployment, the state is Failed",
        _bad_container_names,
    ),
    Rule(
        "unit-name-length",
        "error",
        f"a unit's name is part of a label's key, {_UNIT_LABEL}NAME, which the API server refuses",
        _long_unit_names,
    ),
    Rule(
        "duplicate-unit",
        "warning",
        "both units are served by one container, and routing and feedback take them for one",
        _repeated_units,
    ),
    Rule(
        "name-replaced",
        "warning",
        "past 63 characters the operator puts a digest there, which says nothing to people",
        _replaced_names,
    ),
)
