"""Taints that pods put up with."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from seldon_deployer import naming
from seldon_deployer.workload.value import Value


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
