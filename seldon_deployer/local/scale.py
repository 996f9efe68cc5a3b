"""The scale subresource: replicas as a small object of their own."""

from __future__ import annotations

from typing import Any

from seldon_deployer.local.objects import Resource
from seldon_deployer.local.status import ApiError, bad_request, invalid

Object = dict[str, Any]


def check_scalable(obj: Object) -> None:
    """Raises ApiError 500 where an object has no replicas, as CRDs do: it cannot be read as one."""
    if obj.get("spec", {}).get("replicas") is None:
        problem = 'the spec replicas field ".spec.replicas" does not exist'
        raise ApiError(
            500,
            "InternalError",
            f"Internal error occurred: {problem}",
            {"causes": [{"message": problem}]},
        )


def to_scale(resource: Resource, obj: Object) -> Object:
    """Read an object as a `Scale`; no replicas are zero."""
    replicas = obj.get("spec", {}).get("replicas", 0)
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Object = {"replicas": obj.get("status", {}).get("replicas", 0)}
    if not resource.is_custom:
        labels = obj["spec"].get("selector", {}).get("matchLabels", {})
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def scaled(resource: Resource, obj: Object, scale: Object) -> Object:
    """Write a `Scale` into its object. Raises ApiError where it is none or out of range."""
    if scale.get("kind", "Scale") != "Scale":
        raise bad_request(f"the object provided is unrecognized: kind {scale['kind']!r}")
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("spec.replicas must be an integer")
    if replicas < 0:
        message = f"Invalid value: {replicas}: should be a non-negative integer"
        raise invalid(resource, obj["metadata"]["name"], [("spec.replicas", message)])
    metadata = dict(obj["metadata"])
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        metadata["resourceVersion"] = version
    return obj | {"metadata": metadata, "spec": obj.get("spec", {}) | {"replicas": replicas}}
