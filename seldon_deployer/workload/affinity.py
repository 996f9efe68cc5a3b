"""Affinity: what pods are drawn to and kept from, with Kubernetes' own rules.

Source: Kubernetes core/v1 as the Seldon Core v1.17.1 resource embeds it: what later versions have
besides, its API server would drop.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from seldon_deployer.workload.rules import check_dns_label, check_label_key, check_labels
from seldon_deployer.workload.value import Value

LabelKey = Annotated[str, AfterValidator(check_label_key)]
Labels = Annotated[dict[str, str], AfterValidator(check_labels)]
Weight = Annotated[int, Field(ge=1, le=100)]


class LabelRequirement(Value):
    """One thing that the labels of pods or namespaces have to be."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_values(self.operator, self.values)
        return self


class LabelSelector(Value):
    """Which pods or namespaces; an empty one means all."""

    match_labels: Labels | None = None
    match_expressions: tuple[LabelRequirement, ...] | None = None


class NodeRequirement(Value):
    """One thing that the labels of a node have to be."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_values(self.operator, self.values)
        if self.operator in ("Gt", "Lt") and len(self.values) != 1:
            raise ValueError(f"with operator {self.operator} there is one value, a whole number")
        return self


class NodeField(Value):
    """The node of a name, or all others."""

    key: Literal["metadata.name"]
    operator: Literal["In", "NotIn"]
    values: Annotated[tuple[str, ...], Field(min_length=1, max_length=1)]


class NodeTerm(Value):
    """What one node has to be, all of it."""

    match_expressions: tuple[NodeRequirement, ...] | None = None
    match_fields: tuple[NodeField, ...] | None = None


class NodeSelector(Value):
    """Any of these terms."""

    node_selector_terms: Annotated[tuple[NodeTerm, ...], Field(min_length=1)]


class PreferredNodes(Value):
    """Nodes that are better than others by a weight."""

    weight: Weight
    preference: NodeTerm


class NodeAffinity(Value):
    """Which nodes."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredNodes, ...] | None = None


class PodTerm(Value):
    """Pods beside which to run, or not; `topology_key` says what "beside" is."""

    topology_key: LabelKey
    label_selector: LabelSelector | None = None
    namespaces: tuple[Annotated[str, AfterValidator(check_dns_label)], ...] | None = None
    namespace_selector: LabelSelector | None = None


class PreferredPods(Value):
    """Pods that are better neighbours than others by a weight."""

    weight: Weight
    pod_affinity_term: PodTerm


class PodAffinity(Value):
    """Which neighbours."""

    required_during_scheduling_ignored_during_execution: tuple[PodTerm, ...] | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredPods, ...] | None = None


class Affinity(Value):
    """What pods are drawn to and kept from, as Kubernetes writes it."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


def _check_values(operator: str, values: tuple[str, ...]) -> None:
    if operator in ("In", "NotIn") and not values:
        raise ValueError(f"values: with operator {operator} there is one at least")
    if operator in ("Exists", "DoesNotExist") and values:
        raise ValueError(f"values: with operator {operator} there are none")
