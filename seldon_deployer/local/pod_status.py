"""A pod's status from the states of its containers, as kubelet writes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


@dataclass
class ContainerState:
    """What is known of one container."""

    name: str
    image: str
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last_state: Object = field(default_factory=dict)
    is_ready: bool = False
    is_started: bool = False
    restarts: int = 0
    container_id: str = ""

    def recall(self, status: Object) -> None:
        """Take over what an entry of `containerStatuses` says."""
        self.state = status["state"]
        self.last_state = status.get("lastState", {})
        self.is_ready = status["ready"]
        self.is_started = status.get("started", False)
        self.restarts = status["restartCount"]
        self.container_id = status.get("containerID", "")

    def to_object(self) -> Object:
        """One entry of `containerStatuses`."""
        status: Object = {
            "name": self.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.is_ready,
            "started": self.is_started,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": "",
        }
        if self.container_id:
            status["containerID"] = self.container_id
        return status


def build_status(
    before: Object,
    initializers: Sequence[ContainerState],
    containers: Sequence[ContainerState],
    *,
    started: datetime,
    now: datetime,
) -> Object:
    """The whole status; `before` lends its conditions' transition times."""
    initialized = all("terminated" in item.state and _succeeded(item) for item in initializers)
    unready = [item.name for item in containers if not item.is_ready]
    pending = [item.name for item in initializers if not _succeeded(item)]
    ready = not unready
    names = f"containers with unready status: [{' '.join(unready)}]"
    not_ready = {"reason": "ContainersNotReady", "message": names}
    conditions = [
        ("Initialized", initialized, _not_initialized(pending)),
        ("Ready", ready, not_ready),
        ("ContainersReady", ready, not_ready),
        ("PodScheduled", True, {}),
    ]
    status: Object = {
        "phase": _phase(initialized, containers),
        "conditions": [
            _condition(before, kind, is_true, why, now) for kind, is_true, why in conditions
        ],
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "startTime": timestamp(started),
        "containerStatuses": [item.to_object() for item in containers],
        "qosClass": "BestEffort",
    }
    if initializers:
        status["initContainerStatuses"] = [item.to_object() for item in initializers]
    return status


def timestamp(moment: datetime) -> str:
    """Kubernetes' form of a time, in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """Read what `timestamp` writes."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _succeeded(item: ContainerState) -> bool:
    return bool(item.state.get("terminated", {}).get("exitCode", 1) == 0)


def _phase(initialized: bool, containers: Sequence[ContainerState]) -> str:
    # Once a container has run, a pod that is always restarted stays Running.
    has_run = any("running" in item.state or item.container_id for item in containers)
    return "Running" if initialized and has_run else "Pending"


def _not_initialized(pending: Sequence[str]) -> Object:
    message = f"containers with incomplete status: [{' '.join(pending)}]"
    return {"reason": "ContainersNotInitialized", "message": message}


def _condition(before: Object, kind: str, is_true: bool, why: Object, now: datetime) -> Object:
    status = "True" if is_true else "False"
    known = next((item for item in before.get("conditions", []) if item["type"] == kind), None)
    moment = timestamp(now)
    if known is not None and known["status"] == status:
        moment = known["lastTransitionTime"]
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": moment,
        **({} if is_true else why),
    }
