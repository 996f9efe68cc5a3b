"""Stopping and starting: zero replicas and back, as manifests to apply."""

from __future__ import annotations

from copy import deepcopy

from seldon_deployer.cluster import Object
from seldon_deployer.manifest.ownership import owned_fields
from seldon_deployer.naming import FIELD_MANAGER

# How many there were before the stop. A new deploy of the configuration removes it.
REPLICAS_ANNOTATION = "seldon-deployer/replicas-before-stop"


def stopped(live: Object) -> Object:
    """What we applied, with zero replicas and a note of how many there were."""
    manifest = deepcopy(owned_fields(live, FIELD_MANAGER))
    replicas = int(live["spec"].get("replicas", 1))
    if replicas > 0:
        annotations = manifest["metadata"].setdefault("annotations", {})
        annotations[REPLICAS_ANNOTATION] = str(replicas)
    manifest["spec"]["replicas"] = 0
    return manifest


def started(live: Object) -> Object:
    """What we applied, with as many replicas as there were before the stop."""
    manifest = deepcopy(owned_fields(live, FIELD_MANAGER))
    noted = (live["metadata"].get("annotations") or {}).get(REPLICAS_ANNOTATION)
    (manifest["metadata"].get("annotations") or {}).pop(REPLICAS_ANNOTATION, None)
    live_replicas = int(live["spec"].get("replicas", 1))
    manifest["spec"]["replicas"] = live_replicas or int(noted or 1)
    return manifest
