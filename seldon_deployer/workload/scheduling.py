"""Where pods may run: tolerations and affinity."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from seldon_deployer import naming
from seldon_deployer.workload.value import Object, Value

_NODE_TERMS = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


class Toleration(Value):
    """A taint of nodes that a pod puts up with."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.key and not naming.is_label_key(self.key):
            raise ValueError(f"key: {self.key!r} is no key such as name or example.com/name")
        if not self.key and self.operator != "Exists":
            raise ValueError("without a key, which stands for all, operator is Exists")
        if self.operator == "Exists" and self.value:
            raise ValueError("with operator Exists there is no value")
        if self.value is not None and not naming.is_label_value(self.value):
            raise ValueError(f"value: {self.value!r} is no label value")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("toleration_seconds are of the effect NoExecute alone")
        return self


class Affinity(Value):
    """What pods are drawn to and kept from; the terms are kept as they are written."""

    node_affinity: Object | None = None
    pod_affinity: Object | None = None
    pod_anti_affinity: Object | None = None

    @field_validator("node_affinity", "pod_affinity", "pod_anti_affinity")
    @classmethod
    def _has_known_terms(cls, value: Object | None) -> Object | None:
        for term, given in (value or {}).items():
            if term not in _NODE_TERMS:
                raise ValueError(f"{term!r} is none of {', '.join(_NODE_TERMS)}")
            _check_shape(term, given)
        return value


def _check_shape(term: str, given: Any) -> None:
    # Required terms of nodes are one selector, all others are lists.
    if not isinstance(given, (list, dict)):
        raise ValueError(f"{term} is neither a list nor a selector")
