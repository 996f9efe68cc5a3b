"""The Deployment controller's decisions: which pods to start and stop, and the status to show.

Pure. ReplicaSets are left out: pods belong to the Deployment, and their `pod-template-hash` label
tells the revisions apart.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

Object = dict[str, Any]

HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True)
class Rollout:
    """The next step of a Deployment: `start` new pods, and the pods (by name) to `stop`."""

    start: int = 0
    stop: tuple[str, ...] = ()


def template_hash(template: Object) -> str:
    """Ten hex digits that change with anything in the pod template."""
    return sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is true and it is not being deleted."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def next_step(deployment: Object, pods: list[Object]) -> Rollout:
    """Decide the next step of a rolling update from the Deployment and its pods.

    Never more than replicas + maxSurge pods, never fewer than replicas - maxUnavailable ready
    ones by our doing. Pods that are being deleted do not count, as in Kubernetes.
    """
    spec = deployment["spec"]
    replicas = int(spec.get("replicas", 1))
    current = template_hash(spec["template"])
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    new = [pod for pod in alive if _hash(pod) == current]
    old = [pod for pod in alive if _hash(pod) != current]
    if spec.get("strategy", {}).get("type") == "Recreate":
        if old:
            return Rollout(stop=_names(old))
        surge, unavailable = 0, replicas
    else:
        surge, unavailable = limits(deployment)
    start = min(replicas - len(new), replicas + surge - len(alive))
    if len(new) > replicas:
        return Rollout(stop=_names(_worst_first(new)[: len(new) - replicas]))
    least = max(0, replicas - unavailable)
    new_unready = sum(not is_ready(pod) for pod in new)
    # Unready old pods go first, yet only as many as could be missed if the new ones never came.
    budget = max(0, len(alive) - least - new_unready)
    broken = [pod for pod in _worst_first(old) if not is_ready(pod)][:budget]
    spare = max(0, min(budget - len(broken), sum(is_ready(pod) for pod in alive) - least))
    serving = [pod for pod in _worst_first(old) if is_ready(pod)][:spare]
    return Rollout(start=max(0, start), stop=_names([*broken, *serving]))


def limits(deployment: Object) -> tuple[int, int]:
    """maxSurge and maxUnavailable as numbers of pods; at least one of them is not zero."""
    spec = deployment["spec"]
    replicas = int(spec.get("replicas", 1))
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return (surge, 1) if surge == 0 and unavailable == 0 else (surge, unavailable)


def deployment_status(
    deployment: Object, pods: list[Object], now: datetime, *, refused: str | None = None
) -> Object:
    """The Deployment's status from its pods; keeps the conditions' times where nothing changed.

    refused: what the API said to a new pod, where it would not have it.
    """
    spec, metadata = deployment["spec"], deployment["metadata"]
    replicas = int(spec.get("replicas", 1))
    current = template_hash(spec["template"])
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    updated = sum(_hash(pod) == current for pod in alive)
    ready = sum(is_ready(pod) for pod in alive)
    status: Object = {
        "observedGeneration": metadata.get("generation", 1),
        "replicas": len(alive),
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, max(replicas, len(alive)) - ready),
    }
    # Zero counts are left out, as Kubernetes leaves them out.
    status = {field: value for field, value in status.items() if value}
    status["conditions"] = _conditions(deployment, status, current, now, refused)
    return status


def progress_deadline(deployment: Object) -> datetime | None:
    """When the rollout counts as stuck, or None when it has ended, one way or the other."""
    progressing = _condition(deployment.get("status", {}), "Progressing")
    if progressing is None or progressing["status"] != "True":
        return None
    if progressing["reason"] == "NewReplicaSetAvailable":
        return None
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    return _parse(progressing["lastUpdateTime"]) + timedelta(seconds=seconds)


def _conditions(
    deployment: Object, status: Object, current: str, now: datetime, refused: str | None
) -> list[Object]:
    before = deployment.get("status", {})
    replicas = int(deployment["spec"].get("replicas", 1))
    _, unavailable = limits(deployment)
    is_available = status.get("availableReplicas", 0) >= replicas - unavailable
    available = {
        "type": "Available",
        "status": "True" if is_available else "False",
        "reason": f"MinimumReplicas{'Available' if is_available else 'Unavailable'}",
        "message": f"Deployment {'has' if is_available else 'does not have'} minimum availability.",
    }
    progressing = _progressing(deployment, before, status, current, now)
    told = [available, progressing]
    if refused is not None:
        told.append(
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": refused,
            }
        )
    kept = []
    for wanted in told:
        known = _condition(before, wanted["type"])
        kept.append(_timed(wanted, known, now, moved=_moved(before, status)))
    return kept


def _progressing(
    deployment: Object, before: Object, status: Object, current: str, now: datetime
) -> Object:
    name = f'ReplicaSet "{deployment["metadata"]["name"]}-{current}"'
    replicas = int(deployment["spec"].get("replicas", 1))
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas")]
    if counts == [replicas] * 3:
        return _progress("True", "NewReplicaSetAvailable", f"{name} has successfully progressed.")
    known = _condition(before, "Progressing")
    is_same_rollout = before.get("observedGeneration") == status.get("observedGeneration")
    if known is not None and is_same_rollout and not _moved(before, status):
        deadline = progress_deadline(deployment)
        if known["status"] == "False" or (deadline is not None and now >= deadline):
            return _progress(
                "False", "ProgressDeadlineExceeded", f"{name} has timed out progressing."
            )
        if known["reason"] != "NewReplicaSetAvailable":
            return {key: known[key] for key in ("type", "status", "reason", "message")}
        # A pod of a finished rollout turned unready: that is no new rollout.
        return {key: known[key] for key in ("type", "status", "reason", "message")}
    if known is not None and is_same_rollout and known["reason"] == "NewReplicaSetAvailable":
        return {key: known[key] for key in ("type", "status", "reason", "message")}
    if status.get("updatedReplicas", 0) == 0:
        return _progress("True", "NewReplicaSetCreated", f"Created new replica set {name[11:]}")
    return _progress("True", "ReplicaSetUpdated", f"{name} is progressing.")


def _progress(status: str, reason: str, message: str) -> Object:
    return {"type": "Progressing", "status": status, "reason": reason, "message": message}


def _moved(before: Object, status: Object) -> bool:
    fields = ("observedGeneration", "updatedReplicas", "readyReplicas", "availableReplicas")
    moved = any(before.get(field, 0) != status.get(field, 0) for field in fields)
    # Old pods going away is progress too.
    return moved or before.get("replicas", 0) > status.get("replicas", 0)


def _timed(wanted: Object, known: Object | None, now: datetime, *, moved: bool) -> Object:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if known is None:
        return {**wanted, "lastUpdateTime": stamp, "lastTransitionTime": stamp}
    same = all(known.get(key) == wanted[key] for key in ("status", "reason", "message"))
    is_progress = wanted["type"] == "Progressing" and moved
    return {
        **wanted,
        "lastUpdateTime": known["lastUpdateTime"] if same and not is_progress else stamp,
        "lastTransitionTime": (
            known["lastTransitionTime"] if known["status"] == wanted["status"] else stamp
        ),
    }


def _condition(status: Object, kind: str) -> Object | None:
    return next((item for item in status.get("conditions", []) if item["type"] == kind), None)


def _worst_first(pods: list[Object]) -> list[Object]:
    """Unready before ready, then the youngest first: what Kubernetes stops first."""
    youngest = sorted(pods, key=lambda pod: pod["metadata"].get("creationTimestamp") or "")[::-1]
    return sorted(youngest, key=is_ready)


def _share(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    part = int(value.removesuffix("%")) * replicas / 100
    return math.ceil(part) if up else math.floor(part)


def _hash(pod: Object) -> str | None:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return labels.get(HASH_LABEL)


def _names(pods: list[Object]) -> tuple[str, ...]:
    return tuple(pod["metadata"]["name"] for pod in pods)


def _parse(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
