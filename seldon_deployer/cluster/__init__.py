"""The one door to a Kubernetes API, real or embedded."""

from __future__ import annotations

from seldon_deployer.cluster.client import Cluster
from seldon_deployer.cluster.connect import connect, in_cluster
from seldon_deployer.cluster.kubeconfig import has_kubeconfig
from seldon_deployer.cluster.rbac import rbac_manifest
from seldon_deployer.cluster.resources import (
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    PODS,
    SECRETS,
    SELDON_DEPLOYMENTS,
    SERVICES,
    Object,
    Resource,
)
from seldon_deployer.cluster.watch import Watch, WatchEvent

__all__ = [
    "CONTROLLER_REVISIONS",
    "DEPLOYMENTS",
    "EVENTS",
    "NAMESPACES",
    "PODS",
    "SECRETS",
    "SELDON_DEPLOYMENTS",
    "SERVICES",
    "Cluster",
    "Object",
    "Resource",
    "Watch",
    "WatchEvent",
    "connect",
    "has_kubeconfig",
    "in_cluster",
    "rbac_manifest",
]
