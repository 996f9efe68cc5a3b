"""Stopping and starting: zero replicas and back, as manifests to apply.

Seldon lets predictors, the pods of a graph and orchestrators say their own size, and autoscalers
say it for them: all of these stop too, and come back as they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy

from seldon_deployer.cluster import Object
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.ownership import owned_fields
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION, FIELD_MANAGER

# How many there were before the stop. A new deploy of the configuration removes it.
REPLICAS_ANNOTATION = "seldon-deployer/replicas-before-stop"
# What said its own size before the stop, in the order of `_sized_parts`.
SIZES_ANNOTATION = "seldon-deployer/sizes-before-stop"
_AUTOSCALERS = ("hpaSpec", "kedaSpec")


def stopped(live: Object) -> Object:
    """What we applied, with zero replicas and a note of how many there were.

    Where others own what says a size, it is taken from them.
    """
    manifest = _what_scales(live)
    annotations = dict(manifest["metadata"].get("annotations") or {})
    replicas = int(live["spec"].get("replicas", 1))
    if replicas > 0:
        annotations[REPLICAS_ANNOTATION] = str(replicas)
    manifest["spec"]["replicas"] = 0
    sizes = [_take_size(part, must_say) for part, must_say in _sized_parts(manifest)]
    if any(size is not None for size in sizes) and SIZES_ANNOTATION not in annotations:
        annotations[SIZES_ANNOTATION] = json.dumps(sizes, separators=(",", ":"))
    if annotations:
        manifest["metadata"]["annotations"] = annotations
    return _without_empty_parts(manifest)


def started(live: Object) -> Object:
    """What we applied, with as many replicas as there were before the stop."""
    manifest = _what_scales(live)
    noted = live["metadata"].get("annotations") or {}
    for annotation in (REPLICAS_ANNOTATION, SIZES_ANNOTATION):
        (manifest["metadata"].get("annotations") or {}).pop(annotation, None)
    live_replicas = int(live["spec"].get("replicas", 1))
    manifest["spec"]["replicas"] = live_replicas or int(noted.get(REPLICAS_ANNOTATION) or 1)
    sizes = json.loads(noted.get(SIZES_ANNOTATION) or "[]")
    for (part, _), size in zip(_sized_parts(manifest), sizes, strict=False):
        if size is not None:
            part.pop("replicas", None)
            part.update(size)
    return _without_empty_parts(manifest)


def _what_scales(live: Object) -> Object:
    """What we applied, and the predictors of others where anything in them says its own size."""
    manifest = deepcopy(owned_fields(live, FIELD_MANAGER))
    spec = manifest.setdefault("spec", {})
    if "predictors" not in spec:
        theirs = deepcopy(live["spec"])
        if any(
            _take_size(part, must_say) is not None
            for part, must_say in _sized_parts({"spec": theirs})
        ):
            spec["predictors"] = deepcopy(live["spec"]["predictors"])
            if "annotations" in theirs:
                # They say where the orchestrator is, which has a size too.
                spec.setdefault("annotations", theirs["annotations"])
    return manifest


def _sized_parts(manifest: Object) -> Iterator[tuple[Object, bool]]:
    """Whatever may say how many there are, below the resource itself; and whether it must.

    An orchestrator in a pod of its own hears of no other size than its own.
    """
    annotations = manifest["spec"].get("annotations") or {}
    is_separate = annotations.get(ENGINE_SEPARATE_ANNOTATION) == "true"
    for predictor in predictors(manifest):
        yield predictor, False
        yield predictor.setdefault("svcOrchSpec", {}), is_separate
        for component in predictor.get("componentSpecs") or []:
            yield component, False


def _take_size(part: Object, must_say: bool) -> Object | None:
    """What a part says of its size, or None; it says zero then."""
    size = {name: part.pop(name) for name in ("replicas", *_AUTOSCALERS) if name in part}
    if not size and not must_say:
        return None
    # Once it has said zero, silence would leave it at that.
    size = size or {"replicas": 1}
    # An autoscaler knows no zero: without one the part may have it.
    part["replicas"] = 0
    return size


def _without_empty_parts(manifest: Object) -> Object:
    for predictor in predictors(manifest):
        if not predictor.get("svcOrchSpec"):
            predictor.pop("svcOrchSpec", None)
    return manifest
