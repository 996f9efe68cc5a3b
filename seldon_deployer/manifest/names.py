"""Names that the API accepts and Seldon's operator then fails on, found before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seldon_deployer.manifest.graph import (
    SERVICE_NAME_ANNOTATION,
    find_container,
    predictors,
    units,
)
from seldon_deployer.manifest.schema import Violation
from seldon_deployer.naming import is_dns_label, seldon_name

Object = dict[str, Any]

_PART = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_UNIT_LABEL = "seldon-app-svc-{}"
_RULE = (
    "the operator makes a Service of this name: lower-case letters, digits and hyphens, "
    "a letter first, a letter or digit last"
)


def check_names(obj: Object) -> list[Violation]:
    """Say which names of a SeldonDeployment its operator would fail on.

    Advice of ours: neither the API server nor Seldon's webhook rejects them.
    """
    metadata = obj.get("metadata") or {}
    # The API server puts letters and digits after a name that it generates.
    name = metadata.get("name") or f"{metadata.get('generateName', '')}0"
    violations = [] if is_dns_label(name) else [_bad("metadata.name", name)]
    for index, predictor in enumerate(predictors(obj)):
        violations += _check_predictor(predictor, f"spec.predictors[{index}]")
    return violations


def _check_predictor(predictor: Object, path: str) -> Iterator[Violation]:
    own = predictor["name"]
    if not _PART.fullmatch(own):
        yield _bad(f"{path}.name", own)
    service = (predictor.get("annotations") or {}).get(SERVICE_NAME_ANNOTATION)
    if service is not None and not is_dns_label(seldon_name(service)):
        yield _bad(f"{path}.annotations[{SERVICE_NAME_ANNOTATION}]", service)
    seen = set()
    for unit in units(predictor["graph"]):
        unit_name = unit["name"]
        if unit_name in seen:
            yield Violation(f"{path}.graph", f"two units are named {unit_name!r}")
        seen.add(unit_name)
        container = find_container(predictor, unit_name)
        if container is None and unit.get("implementation") is None:
            continue  # admission speaks of it
        if not _PART.fullmatch(unit_name):
            yield _bad(f"{path}.graph", unit_name)
        elif len(_UNIT_LABEL.format(unit_name)) > 63:
            limit = 63 - len(_UNIT_LABEL.format(""))
            message = (
                f"Invalid value: {unit_name!r}: a unit's name is part of a label's key: "
                f"at most {limit} characters"
            )
            yield Violation(f"{path}.graph", message)


def _bad(path: str, value: str) -> Violation:
    return Violation(path, f"Invalid value: {value!r}: {_RULE}")
