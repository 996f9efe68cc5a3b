"""One verdict over a SeldonDeployment: the API server's, the webhook's, and the operator's.

What a client asks before it sends, and what `validate` prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.crd import resource_schema
from seldon_deployer.manifest.kind import GROUP, VERSIONS
from seldon_deployer.manifest.names import check_names
from seldon_deployer.manifest.schema import Violation, check_schema, prune

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with one resource. It is valid when there are no violations."""

    name: str
    violations: tuple[Violation, ...]

    @property
    def is_valid(self) -> bool:
        """Whether Seldon would take and serve it, as far as a manifest can tell."""
        return not self.violations


def judge(obj: Object) -> Verdict:
    """Judge a SeldonDeployment as written.

    The API server's own rules come first: what breaks them never reaches the others.
    """
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Verdict(name if isinstance(name, str) else "", tuple(_violations(obj)))


def _violations(obj: Object) -> list[Violation]:
    if broken := _check_head(obj):
        return broken
    pruned = prune(_schema(), obj)
    if broken := check_schema(_schema(), pruned):
        return broken
    return [*check_admission(pruned), *check_names(pruned)]


def _check_head(obj: Object) -> list[Violation]:
    """The fields of every Kubernetes object."""
    group, _, version = str(obj.get("apiVersion") or "").partition("/")
    if not version:
        return [Violation("apiVersion", "Required value")]
    if group != GROUP or version not in VERSIONS:
        known = ", ".join(VERSIONS)
        return [Violation("apiVersion", f"Invalid value: {obj['apiVersion']!r}: known are {known}")]
    metadata = obj.get("metadata") or {}
    if not isinstance(metadata, dict):
        return [Violation("metadata", "Invalid value: must be an object")]
    name = metadata.get("name") or metadata.get("generateName")
    if not name:
        return [Violation("metadata.name", "Required value: name or generateName is required")]
    if not isinstance(name, str):
        return [Violation("metadata.name", "Invalid value: must be a string")]
    return []


@cache
def _schema() -> Object:
    return resource_schema()
