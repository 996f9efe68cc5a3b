"""Advice beyond Seldon's own checks: what it accepts, and then fails on or does not mean.

Each rule has a name by which it is silenced. Source: Seldon Core v1.17.1, observed on the running
operator and executor.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from seldon_deployer.manifest.advice import graph, ignored, memory, names, pods, refused, scaling
from seldon_deployer.manifest.advice.rule import Advice, Rule
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.schema import prune

__all__ = ["RULES", "Advice", "Rule", "check_advice"]

Object = dict[str, Any]

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in chain(
        names.RULES,
        pods.RULES,
        refused.RULES,
        graph.RULES,
        scaling.RULES,
        memory.RULES,
        ignored.RULES,
    )
}
# The API server puts five letters and digits after a name that it generates.
_GENERATED = "00000"


def check_advice(obj: Object, *, ignore: Iterable[str] = ()) -> list[Advice]:
    """What all rules but the ignored find in a resource as written, errors first.

    The resource is valid by the schema: `schema.check_schema` comes before.
    """
    pruned = _named(prune(shared_schema(), obj))
    silenced = set(ignore)
    found = [
        Advice(rule.name, rule.severity, field, message, rule.reason)
        for rule in RULES.values()
        if rule.name not in silenced
        for field, message in rule.find(obj if rule.as_written else pruned)
    ]
    return sorted(found, key=lambda each: each.severity)


def _named(obj: Object) -> Object:
    """The resource with a name: rules need one to tell what is made of it."""
    metadata = obj.get("metadata") or {}
    name = metadata.get("name") or f"{metadata.get('generateName', '')}{_GENERATED}"
    return {**obj, "metadata": {**metadata, "name": name}, "spec": obj.get("spec") or {}}
