"""Who owns the replicas after a scale: that subresource keeps owners in a shape of its own.

Source: Kubernetes 1.34, apimachinery `managedfields/scalehandler.go`, its quirks included: an
updater's entry is split in two, the part of the replicas without a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seldon_deployer.local.apply import Writer, track_update
from seldon_deployer.local.managers import Managers, Owned, manager_of, read_managers
from seldon_deployer.local.merge import Path
from seldon_deployer.manifest.pod_schema import INTEGER, struct

Object = dict[str, Any]

_VERSION = "autoscaling/v1"
_REPLICAS: Path = ("f:spec", "f:replicas")
_SCHEMA = struct(spec=struct(replicas=INTEGER))
# Stands for replicas that nobody set: whatever is written then is a change.
_UNSET = -(2**31)


def track_scale(live: Object, new: Object, writer: Writer) -> Managers:
    """The managers of an object after its replicas were written through scale."""
    parent = read_managers(live)
    owners = {
        manager_of(manager.name, manager.operation, _VERSION, manager.subresource): replace(
            owned, fields=frozenset({_REPLICAS}), api_version=_VERSION
        )
        for manager, owned in parent.items()
        if _REPLICAS in owned.fields
    }
    if owners:
        as_scale = replace(writer, api_version=_VERSION)
        owners = track_update(_SCHEMA, _shown(live), _shown(new), owners, as_scale)
    managers: Managers = {}
    for manager, owned in parent.items():
        if _REPLICAS not in owned.fields or owners.pop(manager, False):
            managers[manager] = owned
        elif owned.fields - {_REPLICAS}:
            managers[manager] = replace(owned, fields=owned.fields - {_REPLICAS})
    for manager, owned in owners.items():
        if _REPLICAS in owned.fields:
            managers[manager] = Owned(frozenset({_REPLICAS}), writer.api_version)
    return managers


def _shown(obj: Object) -> Object:
    """What a Scale shows: replicas of zero are left out."""
    replicas = obj.get("spec", {}).get("replicas", _UNSET)
    return {"spec": {"replicas": replicas} if replicas else {}}
