"""From what is stored and what is sent to what is to be stored: the rules of each way of writing.

Pure functions. Source: Kubernetes 1.34, apiserver `registry/rest` and the CRD strategies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

from seldon_deployer.local.merge import is_same
from seldon_deployer.local.names import generate_name
from seldon_deployer.local.objects import NAMESPACES, Resource
from seldon_deployer.local.patches import json_patch, merge_patch
from seldon_deployer.local.prepare import set_defaults
from seldon_deployer.local.status import (
    ApiError,
    bad_request,
    conflict,
    invalid,
    invalid_option,
    object_changed,
)
from seldon_deployer.manifest.strategic import PatchError, strategic_merge

Object = dict[str, Any]
PatchType = Literal["json", "merge", "strategic", "apply"]

# What only the server writes; what a client sends there is replaced by what was.
_SERVER_METADATA = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
_OPTIONAL_METADATA = ("labels", "annotations", "finalizers", "ownerReferences", "generateName")
_WRONG_NAMESPACE = (
    "the namespace of the provided object does not match the namespace sent on the request"
)


def begin(resource: Resource, namespace: str | None, obj: Object, now: str) -> Object:
    """Give a new object what every object has: name, uid, times, defaults."""
    metadata = tidy_metadata(obj["metadata"])
    for name in _SERVER_METADATA:
        metadata.pop(name, None)
    metadata.pop("managedFields", None)
    metadata.pop("resourceVersion", None)
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            required = "Required value: name or generateName is required"
            raise invalid(resource, "", [("metadata.name", required)])
        metadata["name"] = generate_name(metadata["generateName"])
    metadata |= {"uid": str(uuid4()), "creationTimestamp": now}
    if resource.has_generation:
        metadata["generation"] = 1
    new = obj | {"metadata": metadata}
    if resource.is_namespaced:
        if metadata.get("namespace", namespace) != namespace:
            raise bad_request(_WRONG_NAMESPACE)
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    if resource.has_status:
        new.pop("status", None)
    if resource.qualified == NAMESPACES.qualified:
        labels = metadata.get("labels") or {}
        metadata["labels"] = labels | {"kubernetes.io/metadata.name": metadata["name"]}
        new |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    return set_defaults(resource, new)


def confine(resource: Resource, live: Object, new: Object, subresource: str | None) -> Object:
    """Keep from `live` what this way of writing does not reach, and count generations."""
    if subresource == "status":
        return {k: v for k, v in live.items() if k != "status"} | _part(new, "status")
    metadata = tidy_metadata(new["metadata"])
    for name in (*_SERVER_METADATA, "name", "namespace", "resourceVersion"):
        metadata.pop(name, None)
        if name in live["metadata"]:
            metadata[name] = live["metadata"][name]
    new = new | {"metadata": metadata}
    if resource.has_status:
        new = {k: v for k, v in new.items() if k != "status"} | _part(live, "status")
    if resource.has_generation and not _same_wish(live, new):
        metadata["generation"] = live["metadata"].get("generation", 0) + 1
    return new


def tidy_metadata(metadata: Object) -> Object:
    """Copy metadata without what is empty: for Kubernetes that is absent."""
    return {k: v for k, v in metadata.items() if v or k not in _OPTIONAL_METADATA}


def check_preconditions(resource: Resource, live: Object, new: Object) -> None:
    """Check that what is sent speaks of `live`. Raises ApiError 400 or 409."""
    name = live["metadata"]["name"]
    metadata = new["metadata"]
    check_name(metadata.get("name"), name)
    if metadata.get("namespace") not in (None, "", live["metadata"].get("namespace")):
        raise bad_request(_WRONG_NAMESPACE)
    check_uid(resource, live, metadata.get("uid"))
    if metadata.get("resourceVersion") not in (None, "", live["metadata"]["resourceVersion"]):
        raise object_changed(resource, name)


def check_uid(resource: Resource, live: Object, uid: str | None) -> None:
    """Check the uid that an update speaks of. Raises ApiError 409."""
    actual = live["metadata"]["uid"]
    if uid and uid != actual:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {actual}"
        raise conflict(resource, live["metadata"]["name"], why)


def check_deletable(resource: Resource, live: Object, uid: str | None, version: str | None) -> None:
    """Check the preconditions of a deletion. Raises ApiError 409."""
    metadata = live["metadata"]
    for what, given, actual in (
        ("UID", uid, metadata["uid"]),
        ("ResourceVersion", version, metadata["resourceVersion"]),
    ):
        if given and given != actual:
            why = f"the {what} in the precondition ({given}) does not match the {what} in record "
            why += f"({actual}). The object might have been "
            why += "deleted and then recreated" if what == "UID" else "modified"
            raise conflict(replace(resource, plural=resource.kind), metadata["name"], why)


def check_name(given: str | None, name: str) -> None:
    """Check that the body names what the URL names. Raises ApiError 400."""
    if given != name:
        raise bad_request(
            f"the name of the object ({given or ''}) does not match the name on the URL ({name})"
        )


def patch_object(resource: Resource, live: Object, patch: Any, patch_type: PatchType) -> Any:
    """Apply a JSON, merge or strategic merge patch. Raises ApiError 400 or 422."""
    try:
        if patch_type == "json":
            return json_patch(live, patch)
        if not isinstance(patch, dict):
            raise bad_request("the patch must be an object")
        if patch_type == "merge":
            return merge_patch(live, patch)
        return strategic_merge(resource.schema, live, patch)
    except PatchError as error:
        if error.is_malformed:
            raise bad_request(f"error decoding patch: {error}") from error
        # Kubernetes does not say which operation it was.
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message) from error


def check_applied(resource: Resource, name: str, applied: Any, manager: str) -> Object:
    """Check that a body can be applied; returns it with its metadata. Raises ApiError."""
    if not manager:
        required = "Required value: is required for apply patch"
        raise invalid_option("PatchOptions", "fieldManager", required, "FieldValueRequired")
    if not isinstance(applied, dict):
        raise bad_request("error decoding YAML: the applied configuration must be an object")
    given = (applied.get("apiVersion"), applied.get("kind"))
    if given != (resource.api_version, resource.kind):
        raise bad_request(f"invalid object type: {given[0] or ''}, Kind={given[1] or ''}")
    metadata = applied.get("metadata") or {}
    if metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    check_name(metadata.get("name", name), name)
    return applied | {"metadata": {"name": name} | metadata}


def _part(obj: Object, name: str) -> Object:
    return {name: obj[name]} if name in obj else {}


def _same_wish(live: Object, new: Object) -> bool:
    """Whether only metadata and status differ."""
    aside = ("metadata", "status", "apiVersion")
    return is_same(
        {k: v for k, v in live.items() if k not in aside},
        {k: v for k, v in new.items() if k not in aside},
    )
