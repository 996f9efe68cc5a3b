"""Objects that the contract tests write."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

SDEP_API = "machinelearning.seldon.io/v1"


def sdep(name: str, *, replicas: int = 1, **metadata: Any) -> Object:
    """A SeldonDeployment with one prepackaged unit."""
    graph = {"name": "m", "implementation": "SKLEARN_SERVER", "modelUri": "file:///m"}
    return {
        "apiVersion": SDEP_API,
        "kind": "SeldonDeployment",
        "metadata": {"name": name} | metadata,
        "spec": {"replicas": replicas, "predictors": [{"name": "default", "graph": graph}]},
    }


def secret(name: str, data: dict[str, str], **metadata: Any) -> Object:
    """A Secret; `data` is base64 already."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name} | metadata,
        "data": data,
    }


def config_map(name: str, **metadata: Any) -> Object:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name} | metadata,
        "data": {"a": "1"},
    }


def deployment(name: str, **metadata: Any) -> Object:
    """A Deployment of one container."""
    container = {"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 9000}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name} | metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container]},
            },
        },
    }


def pod(name: str, **metadata: Any) -> Object:
    """A Pod of two containers, on no node."""
    containers = [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name} | metadata,
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 30},
    }


def owned_by(owner: Object, *, blocks: bool = False) -> list[Object]:
    """The ownerReferences to an object."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return [reference | ({"blockOwnerDeletion": True} if blocks else {})]
