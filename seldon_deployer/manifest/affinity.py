"""Affinity of pods, as models.

Source: Kubernetes core/v1 as the Seldon Core v1.17.1 resource embeds it.
"""

from __future__ import annotations

from typing import Annotated

from seldon_deployer.manifest.fields import Int32, KubernetesModel, Schema, StringMap, Text

_ATOMIC = Schema({"x-kubernetes-map-type": "atomic"})


class Requirement(KubernetesModel):
    """One thing that labels or fields have to be."""

    key: Text
    operator: Text
    values: list[Text] | None = None


class LabelSelector(KubernetesModel):
    """Which pods or namespaces."""

    match_expressions: list[Requirement] | None = None
    match_labels: StringMap | None = None


class NodeTerm(KubernetesModel):
    """What one node has to be."""

    match_expressions: list[Requirement] | None = None
    match_fields: list[Requirement] | None = None


class NodeSelector(KubernetesModel):
    """Any of these terms."""

    node_selector_terms: list[Annotated[NodeTerm, _ATOMIC]]


class PreferredNodes(KubernetesModel):
    """Nodes that are better than others by a weight."""

    preference: Annotated[NodeTerm, _ATOMIC]
    weight: Int32


class NodeAffinity(KubernetesModel):
    """Which nodes."""

    preferred_during_scheduling_ignored_during_execution: list[PreferredNodes] | None = None
    required_during_scheduling_ignored_during_execution: Annotated[NodeSelector, _ATOMIC] | None = (
        None
    )


class PodTerm(KubernetesModel):
    """Pods beside which to run, or not."""

    topology_key: Text
    label_selector: Annotated[LabelSelector, _ATOMIC] | None = None
    namespace_selector: Annotated[LabelSelector, _ATOMIC] | None = None
    namespaces: list[Text] | None = None


class PreferredPods(KubernetesModel):
    """Pods that are better neighbours than others by a weight."""

    pod_affinity_term: PodTerm
    weight: Int32


class PodAffinity(KubernetesModel):
    """Which neighbours."""

    preferred_during_scheduling_ignored_during_execution: list[PreferredPods] | None = None
    required_during_scheduling_ignored_during_execution: list[PodTerm] | None = None


class Affinity(KubernetesModel):
    """What pods are drawn to and kept from."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None
