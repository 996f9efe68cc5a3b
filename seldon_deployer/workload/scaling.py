"""How many pods: autoscalers and disruption budgets, one for each Deployment of a predictor."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StrictInt, StrictStr, field_validator, model_validator

from seldon_deployer.workload.rules import check_count, check_object_name
from seldon_deployer.workload.value import Object, Value

Percent = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
CountOrShare = Annotated[StrictInt | StrictStr, AfterValidator(check_count)]

# The type of a metric, and the field that holds its details.
_METRICS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


class HPA(Value):
    """A HorizontalPodAutoscaler: between how many pods, and by what.

    `cpu_percent` and `memory_percent` are shares of what the containers request; `metrics` takes
    any others as `autoscaling/v2` writes them. With none of them Kubernetes follows the CPU.
    """

    max_replicas: Annotated[int, Field(ge=1)]
    min_replicas: Annotated[int, Field(ge=1)] = 1
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    metrics: tuple[Object, ...] = ()

    @field_validator("metrics")
    @classmethod
    def _metrics_are_whole(cls, value: tuple[Object, ...]) -> tuple[Object, ...]:
        for index, metric in enumerate(value):
            kind = metric.get("type")
            if kind not in _METRICS:
                raise ValueError(f"{index}.type: {kind!r} is none of {', '.join(_METRICS)}")
            if metric.keys() != {"type", _METRICS[kind]}:
                raise ValueError(f"{index}: a metric of type {kind} has the field {_METRICS[kind]}")
            details = metric[_METRICS[kind]]
            if not isinstance(details, dict) or not isinstance(details.get("target"), dict):
                raise ValueError(f"{index}.{_METRICS[kind]}: it has no target")
        return value

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas {self.max_replicas} is less than min_replicas {self.min_replicas}"
            )
        return self

    def to_object(self) -> Object:
        """The `hpaSpec` of a component, with metrics of autoscaling/v2."""
        given = (("cpu", self.cpu_percent), ("memory", self.memory_percent))
        metrics = [_utilization(name, share) for name, share in given if share is not None]
        metrics += [dict(metric) for metric in self.metrics]
        spec: Object = {"minReplicas": self.min_replicas, "maxReplicas": self.max_replicas}
        return {**spec, "metricsv2": metrics} if metrics else spec


def _utilization(name: str, share: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


class KedaAuthentication(Value):
    """The TriggerAuthentication that a trigger uses."""

    name: Annotated[str, AfterValidator(check_object_name)]
    kind: str | None = None


class KedaTrigger(Value):
    """An event source that KEDA scales by; `metadata` is the scaler's own, all text."""

    type: Annotated[str, Field(min_length=1)]
    metadata: dict[str, str]
    name: str | None = None
    metric_type: str | None = None
    authentication_ref: KedaAuthentication | None = None


class KedaFallback(Value):
    """How many pods there are while a trigger fails."""

    failure_threshold: Count
    replicas: Count


class Keda(Value):
    """A ScaledObject of KEDA, which has to be switched on in Seldon's operator."""

    triggers: Annotated[tuple[KedaTrigger, ...], Field(min_length=1)]
    min_replica_count: Count | None = None
    max_replica_count: Annotated[int, Field(ge=1)] | None = None
    idle_replica_count: Count | None = None
    polling_interval: Count | None = None
    cooldown_period: Count | None = None
    advanced: dict[str, Any] | None = None
    fallback: KedaFallback | None = None

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        # KEDA's own defaults stand where nothing is said.
        least, most = self.min_replica_count or 0, self.max_replica_count or 100
        if most < least:
            raise ValueError(f"max_replica_count {most} is less than min_replica_count {least}")
        if self.idle_replica_count is not None and self.idle_replica_count >= least:
            raise ValueError(
                f"idle_replica_count {self.idle_replica_count} is not below "
                f"min_replica_count {least}"
            )
        return self


class PDB(Value):
    """A PodDisruptionBudget: how many pods have to stay, or may go, when nodes are emptied."""

    min_available: CountOrShare | None = None
    max_unavailable: CountOrShare | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.min_available is None) == (self.max_unavailable is None):
            raise ValueError("give min_available or max_unavailable, and not both")
        return self
