"""Field owners of stored objects: which update gives whom what."""

from __future__ import annotations

from typing import Any

from seldon_deployer.local.apply import Writer, track_update
from seldon_deployer.local.managers import Managers, encode_managers, read_managers
from seldon_deployer.local.merge import is_same
from seldon_deployer.local.objects import Resource
from seldon_deployer.local.scale_owners import track_scale

Object = dict[str, Any]


def blank_object(resource: Resource) -> Object:
    """What an object is before anyone wrote it."""
    identity = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}}
    return identity | dict(resource.blank)


def unreached(resource: Resource, subresource: str) -> tuple[str, ...]:
    """The top-level fields that writing by this subresource ('' the object itself) leaves alone."""
    if subresource == "status":
        return ("spec",)
    return ("status",) if resource.has_status else ()


def write_managers(obj: Object, managers: Managers) -> Object:
    """Put managers into an object."""
    entries = {"managedFields": encode_managers(managers)} if managers else {}
    return obj | {"metadata": without_managers(obj)["metadata"] | entries}


def without_managers(obj: Object) -> Object:
    """The object as its owners see it."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    return obj | {"metadata": metadata}


def track(resource: Resource, live: Object | None, new: Object, writer: Writer) -> Managers:
    """The managers after an update from `live` (None: created) to `new`."""
    if live is not None and writer.subresource == "scale":
        return track_scale(live, new, writer)
    if live is None:
        managers: Managers = {}
    elif writer.subresource or not new["metadata"].get("managedFields"):
        managers = read_managers(live)
    elif new["metadata"]["managedFields"] == [{}]:
        managers = {}  # the documented way to reset them
    else:
        # A client may rewrite them, as kubectl does when it moves to server-side apply.
        managers = read_managers(new) or read_managers(live)
    if live is not None and not managers:
        return {}  # nobody is tracked before the first apply
    return track_update(
        resource.schema,
        blank_object(resource) if live is None else without_managers(live),
        without_managers(new),
        managers,
        writer,
        unreached(resource, writer.subresource),
    )


def same_but_times(live: Object, new: Object) -> bool:
    """Whether two states differ in nothing but the times of their managers."""
    return is_same(_without_times(live), _without_times(new))


def _without_times(obj: Object) -> Object:
    metadata = dict(obj["metadata"])
    metadata["managedFields"] = [
        {k: v for k, v in entry.items() if k != "time"}
        for entry in metadata.get("managedFields") or []
    ]
    return obj | {"metadata": metadata}
