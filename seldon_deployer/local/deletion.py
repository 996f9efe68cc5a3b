"""Deletion: grace, finalizers, and what goes with its owner.

Kubernetes leaves dependents to its garbage collector; here the same rules run at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from seldon_deployer.local.objects import (
    NAMESPACES,
    PODS,
    Resource,
    named_resource,
    resource_of_kind,
)
from seldon_deployer.local.store import Key, Store

Object = dict[str, Any]

FOREGROUND = "foregroundDeletion"
DEFAULT_GRACE_SECONDS = 30


class Deleter:
    """Deletes stored objects and what they own."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def delete(
        self,
        resource: Resource,
        live: Object,
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
    ) -> Object:
        """Delete an object, or mark it where something must happen first; returns its state."""
        if resource.qualified == NAMESPACES.qualified:
            return self._delete_namespace(live)
        if propagation == "Orphan":
            self._orphan_dependents(live["metadata"]["uid"])
        finalizers = list(live["metadata"].get("finalizers") or [])
        if propagation == "Foreground" and FOREGROUND not in finalizers:
            finalizers.append(FOREGROUND)
        grace = self._grace(resource, live, grace_period_seconds)
        if not finalizers and not grace:
            return self.finish(resource, live)
        marked = self._mark(resource, live, finalizers, grace)
        if FOREGROUND in finalizers:
            for key in self._store.dependents(live["metadata"]["uid"]):
                self._delete_dependent(key, owner_waits=True)
            return self._finish_foreground(resource, marked)
        return marked

    def finish(self, resource: Resource, last: Object) -> Object:
        """Remove an object for good; its dependents follow, an owner that waited for it too."""
        metadata = last["metadata"]
        key = key_of(resource, last)
        if self._store.get(key) is None:
            return last
        removed = self._store.remove(key, last)
        for dependent in self._store.dependents(metadata["uid"]):
            self._collect(dependent)
        for reference in metadata.get("ownerReferences") or []:
            self._wake_owner(reference, key.namespace)
        if key.namespace:
            self._wake_namespace(key.namespace)
        return removed

    def _grace(self, resource: Resource, live: Object, asked: int | None) -> int:
        """Seconds that a pod gets to end its processes."""
        if resource.qualified != PODS.qualified:
            return 0
        if asked is not None:
            return max(asked, 0)
        wanted = live.get("spec", {}).get("terminationGracePeriodSeconds")
        return DEFAULT_GRACE_SECONDS if wanted is None else int(wanted)

    def _mark(self, resource: Resource, live: Object, finalizers: list[str], grace: int) -> Object:
        """Set deletionTimestamp once; a shorter grace later brings it forward."""
        metadata = dict(live["metadata"])
        if finalizers:
            metadata["finalizers"] = finalizers
        before = metadata.get("deletionGracePeriodSeconds")
        if before is None or grace < before:
            end = self._clock() + timedelta(seconds=grace)
            metadata["deletionTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata["deletionGracePeriodSeconds"] = grace
        if before is None and "generation" in metadata:
            metadata["generation"] += 1
        if metadata == live["metadata"]:
            return live
        return self._store.put(key_of(resource, live), live | {"metadata": metadata})

    def _finish_foreground(self, resource: Resource, live: Object) -> Object:
        """Drop the foreground finalizer once nothing that blocks is left."""
        uid = live["metadata"]["uid"]
        if self._store.get(key_of(resource, live)) is None:
            return live  # the last dependent already ended it
        if any(self._blocks(key, uid) for key in self._store.dependents(uid)):
            return live
        metadata = dict(live["metadata"])
        metadata["finalizers"] = [f for f in metadata["finalizers"] if f != FOREGROUND]
        if not metadata["finalizers"]:
            del metadata["finalizers"]
        if is_finished(live | {"metadata": metadata}):
            return self.finish(resource, live | {"metadata": metadata})
        return self._store.put(key_of(resource, live), live | {"metadata": metadata})

    def _blocks(self, key: Key, uid: str) -> bool:
        obj = self._store.get(key)
        references = obj["metadata"].get("ownerReferences") or [] if obj else []
        return any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in references)

    def _collect(self, key: Key) -> None:
        """Delete a dependent whose owners are all gone; else drop the dangling reference."""
        obj = self._store.get(key)
        if obj is None:
            return
        references = obj["metadata"].get("ownerReferences") or []
        living = [r for r in references if self._owner(r, key.namespace) is not None]
        if not living:
            self._delete_dependent(key)
        elif len(living) < len(references):
            metadata = obj["metadata"] | {"ownerReferences": living}
            self._store.put(key, obj | {"metadata": metadata})

    def _delete_dependent(self, key: Key, *, owner_waits: bool = False) -> None:
        """Delete what an owner takes along; under an owner that waits, it waits for its own."""
        obj = self._store.get(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return
        has_dependents = bool(self._store.dependents(obj["metadata"]["uid"]))
        propagation = "Foreground" if has_dependents and owner_waits else "Background"
        self.delete(named_resource(key.resource), obj, propagation)

    def _orphan_dependents(self, uid: str) -> None:
        for key in self._store.dependents(uid):
            obj = self._store.get(key)
            if obj is None:
                continue
            metadata = dict(obj["metadata"])
            left = [r for r in metadata.pop("ownerReferences") if r["uid"] != uid]
            if left:
                metadata["ownerReferences"] = left
            self._store.put(key, obj | {"metadata": metadata})

    def _owner(self, reference: Object, namespace: str) -> tuple[Resource, Object] | None:
        resource = resource_of_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            return None
        home = namespace if resource.is_namespaced else ""
        owner = self._store.get(Key(resource.qualified, home, reference["name"]))
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return None
        return resource, owner

    def _wake_owner(self, reference: Object, namespace: str) -> None:
        found = self._owner(reference, namespace)
        if found and FOREGROUND in (found[1]["metadata"].get("finalizers") or []):
            self._finish_foreground(*found)

    def _delete_namespace(self, live: Object) -> Object:
        name = live["metadata"]["name"]
        marked = self._mark(NAMESPACES, live | {"status": {"phase": "Terminating"}}, [], 0)
        for key in self._store.keys(name):
            self._delete_dependent(key)
        self._wake_namespace(name)
        return marked

    def _wake_namespace(self, name: str) -> None:
        """A namespace that is being deleted goes when it is empty."""
        obj = self._store.get(Key(NAMESPACES.qualified, "", name))
        if obj and "deletionTimestamp" in obj["metadata"] and not self._store.keys(name):
            self._store.remove(key_of(NAMESPACES, obj), obj)


def key_of(resource: Resource, obj: Object) -> Key:
    """Where an object lies in the store."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "") if resource.is_namespaced else ""
    return Key(resource.qualified, namespace, metadata["name"])


def is_finished(obj: Object) -> bool:
    """Whether nothing holds a deleted object any more."""
    metadata = obj["metadata"]
    return bool(
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
    )
