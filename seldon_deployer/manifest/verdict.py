"""One verdict over a SeldonDeployment: the API server's, the webhook's, and the operator's.

What a client asks before it sends, and what `validate` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.advice import Advice, check_advice
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.kind import GROUP, VERSIONS, find_misnamed
from seldon_deployer.manifest.schema import Violation, check_schema, prune
from seldon_deployer.naming import is_label_key, is_label_value

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with one resource.

    violations: why the API server or the webhook rejects it.
    errors: what the operator then fails on. warnings: what it does otherwise than one would think.
    """

    name: str
    violations: tuple[Violation, ...]
    errors: tuple[Advice, ...] = ()
    warnings: tuple[Advice, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether Seldon would take and serve it, as far as a manifest can tell."""
        return not self.violations and not self.errors

    @property
    def problems(self) -> list[str]:
        """All that makes it invalid, as `field: message`."""
        return [str(each) for each in (*self.violations, *self.errors)]


def judge(obj: Object, *, ignore: Iterable[str] = ()) -> Verdict:
    """Judge a SeldonDeployment as written; `ignore` names rules of advice that are not asked.

    The API server's own rules come first: what breaks them never reaches the others.
    """
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    name = name if isinstance(name, str) else ""
    pruned = prune(shared_schema(), obj)
    if broken := (
        _check_head(obj) or check_schema(shared_schema(), pruned) or _check_replicas(pruned)
    ):
        return Verdict(name, tuple(broken))
    advice = check_advice(obj, ignore=ignore)
    return Verdict(
        name,
        tuple(check_admission(pruned)),
        tuple(each for each in advice if each.severity == "error"),
        tuple(each for each in advice if each.severity == "warning"),
    )


def _check_head(obj: Object) -> list[Violation]:
    """The fields of every Kubernetes object."""
    if wrong := find_misnamed(obj):
        return [Violation(wrong.field, wrong.message)]
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
    return [
        Violation(f"metadata.{kind}", "Invalid value: must be a map of strings")
        for kind in ("labels", "annotations")
        if not _is_map_of_strings(metadata.get(kind))
    ] or list(_check_labels(metadata))


def _check_labels(metadata: Object) -> Iterator[Violation]:
    """Keys and values that no object may have."""
    # The API server reads the keys of annotations in lower case.
    keys = [("labels", key, key) for key in metadata.get("labels") or {}]
    keys += [("annotations", key, key.lower()) for key in metadata.get("annotations") or {}]
    for kind, key, read in keys:
        if not is_label_key(read):
            rule = "no key such as name or example.com/name"
            yield Violation(f"metadata.{kind}", f'Invalid value: "{key}": {rule}')
    for text in (metadata.get("labels") or {}).values():
        if not is_label_value(text or ""):
            rule = "at most 63 letters, digits, '-', '_', '.', a letter or digit at both ends"
            yield Violation("metadata.labels", f'Invalid value: "{text}": {rule}')


def _check_replicas(obj: Object) -> list[Violation]:
    """What the API server asks of a number that `kubectl scale` can change."""
    replicas = (obj.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        rule = "should be a non-negative integer"
    elif replicas >= 2**31:
        rule = f"should be less than or equal to {2**31 - 1}"
    else:
        return []
    return [Violation("spec.replicas", f"Invalid value: {replicas}: {rule}")]


def _is_map_of_strings(value: Any) -> bool:
    # A null counts as absent, and as the empty string.
    return value is None or (
        isinstance(value, dict) and all(isinstance(text, str | None) for text in value.values())
    )
