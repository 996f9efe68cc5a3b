"""How `kubectl get` shows objects: the server writes the columns (meta.k8s.io Table)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seldon_deployer.local.objects import Resource

Object = dict[str, Any]
Cell = Callable[[Object, datetime], Any]

_DESCRIPTIONS = {"Name": "Name must be unique within a namespace."}


@dataclass(frozen=True)
class Column:
    """One column; `priority` 1 shows with `-o wide` only."""

    name: str
    type: str
    cell: Cell
    priority: int = 0

    def definition(self) -> Object:
        """What the header says of it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": _DESCRIPTIONS.get(self.name, ""),
            "priority": self.priority,
        }


def to_table(
    resource: Resource, objects: Sequence[Object], metadata: Object, now: datetime, include: str
) -> Object:
    """Write objects as a Table; `include` tells what rows carry: Metadata, Object or None."""
    columns = _COLUMNS.get(resource.qualified, _PLAIN)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [_row(columns, obj, now, include) for obj in objects],
    }


def to_partial(obj: Object) -> Object:
    """Write an object's metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def human_duration(seconds: float) -> str:
    """Write an age as kubectl does: 5s, 3m20s, 2h, 4d5h, 3y.

    Source: Kubernetes 1.34, apimachinery `duration.HumanDuration`.
    """
    total = int(seconds)
    if total < 0:
        return "0s"
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def _row(columns: Sequence[Column], obj: Object, now: datetime, include: str) -> Object:
    row: Object = {"cells": [column.cell(obj, now) for column in columns]}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = to_partial(obj)
    return row


def _read(obj: Object, path: str, default: Any = None) -> Any:
    at: Any = obj
    for step in path.split("."):
        at = at.get(step) if isinstance(at, dict) else None
    return default if at is None else at


def _field(path: str, default: Any = None) -> Cell:
    return lambda obj, _now: _read(obj, path, default)


def _age(path: str) -> Cell:
    def cell(obj: Object, now: datetime) -> str:
        text = _read(obj, path)
        if not text:
            return "<unknown>"
        return human_duration((now - datetime.fromisoformat(text)).total_seconds())

    return cell


def _pod_ready(obj: Object, _now: datetime) -> str:
    statuses = _read(obj, "status.containerStatuses", [])
    ready = sum(1 for status in statuses if status.get("ready"))
    return f"{ready}/{len(_read(obj, 'spec.containers', []))}"


def _pod_status(obj: Object, _now: datetime) -> str:
    """The reason that matters most, as kubectl shows it."""
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    init, at = _initializing(obj)
    if at < len(init):
        reason = _reason(init[at].get("state", {}))
        return f"Init:{reason}" if reason else f"Init:{at}/{len(init)}"
    shown = _read(obj, "status.reason") or _read(obj, "status.phase", "")
    for status in reversed(_read(obj, "status.containerStatuses", [])):
        shown = _reason(status.get("state", {})) or shown
    return str(shown)


def _initializing(obj: Object) -> tuple[list[Object], int]:
    """The init containers' statuses, and which one is not done; their number when all are."""
    init = _read(obj, "status.initContainerStatuses", [])
    for index, status in enumerate(init):
        if _read(status, "state.terminated.exitCode") != 0:
            return init, index
    return init, len(init)


def _reason(state: Object) -> str:
    if state.get("waiting", {}).get("reason"):
        return str(state["waiting"]["reason"])
    ended = state.get("terminated")
    if ended is None:
        return ""
    return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")


def _pod_restarts(obj: Object, now: datetime) -> str:
    init, at = _initializing(obj)
    # Until its containers run, a pod's restarts are those of what prepares it.
    is_initializing = at < len(init)
    statuses = init[: at + 1] if is_initializing else _read(obj, "status.containerStatuses", [])
    count = sum(status.get("restartCount", 0) for status in statuses)
    ends = [_read(status, "lastState.terminated.finishedAt") for status in statuses]
    last = max((end for end in ends if end), default=None)
    if not count or not last:
        return str(count)
    ago = human_duration((now - datetime.fromisoformat(last)).total_seconds())
    return f"{count} ({ago} ago)"


def _ready_replicas(obj: Object, _now: datetime) -> str:
    return f"{_read(obj, 'status.readyReplicas', 0)}/{_read(obj, 'spec.replicas', 0)}"


def _containers(path: str) -> Cell:
    def cell(obj: Object, _now: datetime) -> str:
        containers = _read(obj, "spec.template.spec.containers", [])
        return ",".join(str(container.get(path, "")) for container in containers)

    return cell


def _labels(path: str) -> Cell:
    def cell(obj: Object, _now: datetime) -> str:
        labels = _read(obj, path, {})
        return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"

    return cell


def _ports(obj: Object, _now: datetime) -> str:
    ports = _read(obj, "spec.ports", [])
    return ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in ports) or "<none>"


def _count(path: str) -> Cell:
    return lambda obj, _now: len(_read(obj, path, {}))


def _event_object(obj: Object, _now: datetime) -> str:
    kind = str(_read(obj, "involvedObject.kind", "")).lower()
    return f"{kind}/{_read(obj, 'involvedObject.name', '')}"


def _event_seen(obj: Object, now: datetime) -> str:
    path = "lastTimestamp" if obj.get("lastTimestamp") else "eventTime"
    return str(_age(path)(obj, now))


def _controller(obj: Object, _now: datetime) -> str:
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            group = owner["apiVersion"].partition("/")[0]
            return f"{owner['kind'].lower()}.{group}/{owner['name']}"
    return "<none>"


_NAME = Column("Name", "string", _field("metadata.name"))
_AGE = Column("Age", "string", _age("metadata.creationTimestamp"))
_PLAIN = (_NAME, _AGE)
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "seldondeployments.machinelearning.seldon.io": (
        _NAME,
        Column("State", "string", _field("status.state")),
        Column("Replicas", "integer", _field("status.replicas")),
        _AGE,
    ),
    "deployments.apps": (
        _NAME,
        Column("Ready", "string", _ready_replicas),
        Column("Up-to-date", "string", _field("status.updatedReplicas", 0)),
        Column("Available", "string", _field("status.availableReplicas", 0)),
        _AGE,
        Column("Containers", "string", _containers("name"), 1),
        Column("Images", "string", _containers("image"), 1),
        Column("Selector", "string", _labels("spec.selector.matchLabels"), 1),
    ),
    "controllerrevisions.apps": (
        _NAME,
        Column("Controller", "string", _controller),
        Column("Revision", "string", _field("revision", 0)),
        _AGE,
    ),
    "pods": (
        _NAME,
        Column("Ready", "string", _pod_ready),
        Column("Status", "string", _pod_status),
        Column("Restarts", "string", _pod_restarts),
        _AGE,
        Column("IP", "string", _field("status.podIP", "<none>"), 1),
        Column("Node", "string", _field("spec.nodeName", "<none>"), 1),
        Column("Nominated Node", "string", _field("status.nominatedNodeName", "<none>"), 1),
        Column("Readiness Gates", "string", lambda _obj, _now: "<none>", 1),
    ),
    "services": (
        _NAME,
        Column("Type", "string", _field("spec.type")),
        Column("Cluster-IP", "string", _field("spec.clusterIP", "<none>")),
        Column("External-IP", "string", lambda _obj, _now: "<none>"),
        Column("Port(s)", "string", _ports),
        _AGE,
        Column("Selector", "string", _labels("spec.selector"), 1),
    ),
    "secrets": (
        _NAME,
        Column("Type", "string", _field("type")),
        Column("Data", "string", _count("data")),
        _AGE,
    ),
    "configmaps": (_NAME, Column("Data", "string", _count("data")), _AGE),
    "serviceaccounts": (_NAME, Column("Secrets", "string", _count("secrets")), _AGE),
    "namespaces": (_NAME, Column("Status", "string", _field("status.phase")), _AGE),
    "events": (
        Column("Last Seen", "string", _event_seen),
        Column("Type", "string", _field("type")),
        Column("Reason", "string", _field("reason")),
        Column("Object", "string", _event_object),
        Column("Subobject", "string", _field("involvedObject.fieldPath", ""), 1),
        Column("Source", "string", _field("source.component", ""), 1),
        Column("Message", "string", _field("message")),
        Column("First Seen", "string", _age("firstTimestamp"), 1),
        Column("Count", "string", _field("count", 1), 1),
        Column("Name", "string", _field("metadata.name"), 1),
    ),
}
