"""Why a SeldonDeployment does not start, read from its pods, events and log lines.

A conclusive diagnosis ends the waiting; any other is told only at the deadline, because what it
names often heals: `Failed` is retried by Seldon's operator, a node may still come, a Deployment's
ProgressDeadlineExceeded can be left over from the revision before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seldon_deployer.manifest.observation import (
    Object,
    Observation,
    pods_of_revision,
    template_revision,
)
from seldon_deployer.manifest.refusal import is_refused
from seldon_deployer.manifest.revision import revisions

CRASHES_TO_FAIL = 3
# The kubelet writes the same event again every ten seconds or so.
CONFIG_ERRORS_TO_FAIL = 3

_TRY = "try: "
_OUT_OF_MEMORY = "OOMKilled"
_UNMOUNTED = "FailedMount"
_UNPULLABLE = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_MISCONFIGURED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
# What the operator never recovers from by trying again.
_CERTAIN = re.compile(
    r"DNS-1035 label|metadata\.name: Invalid value|Failed to get server config"
    r"|not clear where to inject engine|image: Required value|must be no more than 63"
)


@dataclass(frozen=True)
class Diagnosis:
    """One failure in words: `kind` for programs, the rest for people."""

    kind: str
    summary: str
    why: str
    hint: str
    conclusive: bool


def diagnose(wanted: Object, observed: Observation) -> Diagnosis | None:
    """The most telling failure among what was observed, conclusive ones first; None if all well.

    Only pods of the wanted revision count: what ran before may fail as it likes.
    """
    found = list(_pods(wanted, observed))
    found += _deployments(wanted, observed)
    found += _operator(observed)
    return min(found, key=lambda each: not each.conclusive, default=None)


def _pods(wanted: Object, observed: Observation) -> Iterator[Diagnosis]:
    for pod in pods_of_revision(wanted, observed):
        if pod["metadata"].get("deletionTimestamp"):
            continue
        status = pod.get("status") or {}
        for container in status.get("initContainerStatuses") or []:
            yield from _init_container(pod, container, observed)
        for container in status.get("containerStatuses") or []:
            yield from _container(pod, container, observed)
        yield from _unmounted(pod, observed)
        yield from _unscheduled(status)


def is_held(pod: Object) -> bool:
    """Whether none of a pod's containers was ever made: what holds it stands in its events."""
    status = pod.get("status") or {}
    kinds = ("initContainerStatuses", "containerStatuses")
    found = [each for kind in kinds for each in status.get(kind) or []]
    return all(
        "waiting" in (each.get("state") or {}) and not each.get("lastState") for each in found
    )


def _unmounted(pod: Object, observed: Observation) -> Iterator[Diagnosis]:
    messages = [str(event.get("message") or "") for event in _events(pod, _UNMOUNTED, observed)]
    if not messages or not is_held(pod):
        return
    yield Diagnosis(
        kind="volume",
        summary=f"the pod {pod['metadata']['name']} waits for a volume",
        why=messages[-1],
        hint="make what the message names, or correct its name in the configuration",
        # A disk may still come from another node; what is not there is not on its way.
        conclusive="not found" in messages[-1]
        and _event_count(pod, _UNMOUNTED, observed) >= CONFIG_ERRORS_TO_FAIL,
    )


def _init_container(pod: Object, container: Object, observed: Observation) -> Iterator[Diagnosis]:
    yield from _not_started(pod, container, observed)
    state = container.get("state") or {}
    ended = _failed_end(state.get("terminated"))
    is_waiting_again = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    failures = int(container.get("restartCount") or 0) + (1 if ended or is_waiting_again else 0)
    if failures == 0 or _failed_end(_last_end(container)) is None:
        return
    name = container["name"]
    yield Diagnosis(
        kind="init-container",
        summary=f"init container {name} failed {_times(failures)}",
        why=_end_of(pod, container, observed),
        hint="check that the model URI exists and that the secret lets the cluster read it"
        if name.endswith("-initializer")
        else f"look at its log: `kubectl logs {pod['metadata']['name']} -c {name}`",
        conclusive=failures >= CRASHES_TO_FAIL,
    )


def _container(pod: Object, container: Object, observed: Observation) -> Iterator[Diagnosis]:
    yield from _not_started(pod, container, observed)
    restarts = int(container.get("restartCount") or 0)
    end = _last_end(container)
    if container.get("ready") or end is None or (restarts == 0 and _failed_end(end) is None):
        return
    name = container["name"]
    is_crash_loop = restarts >= CRASHES_TO_FAIL
    if end.get("reason") == _OUT_OF_MEMORY:
        yield Diagnosis(
            kind="out-of-memory",
            summary=f"container {name} ran out of memory {_times(restarts or 1)}",
            why=_end_of(pod, container, observed),
            hint="raise resources.limits.memory of the deployment",
            conclusive=is_crash_loop,
        )
        return
    yield Diagnosis(
        kind="crash-loop",
        summary=f"container {name} ended and was restarted {_times(restarts)}"
        if restarts
        else f"container {name} ended",
        why=_end_of(pod, container, observed),
        hint=_hint_of(pod, container, observed)
        or "correct what the end of its log says: a server that cannot load its model "
        "or its class ends",
        conclusive=is_crash_loop,
    )


def _not_started(pod: Object, container: Object, observed: Observation) -> Iterator[Diagnosis]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    name = container["name"]
    if reason in _UNPULLABLE or reason == "ErrImagePull":
        yield Diagnosis(
            kind="image",
            summary=f"the image {container.get('image') or ''} of container {name} "
            "cannot be pulled",
            why=f"{reason}: {message}" if message else reason,
            hint="check the image's name, and the pull secret if the registry is private",
            # A single failed pull may be the registry's mood.
            conclusive=reason in _UNPULLABLE,
        )
    elif reason in _MISCONFIGURED:
        yield Diagnosis(
            kind="container-config",
            summary=f"container {name} cannot be made",
            why=f"{reason}: {message}" if message else reason,
            hint="create the Secret or ConfigMap that is named, then deploy again",
            conclusive=_event_count(pod, "Failed", observed) >= CONFIG_ERRORS_TO_FAIL,
        )


def _unscheduled(status: Object) -> Iterator[Diagnosis]:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield Diagnosis(
                kind="unschedulable",
                summary="no node can take the pod",
                why=str(condition.get("message") or condition.get("reason") or ""),
                hint="ask for less in `resources`, or add nodes",
                conclusive=False,
            )


def _deployments(wanted: Object, observed: Observation) -> Iterator[Diagnosis]:
    # An explainer or a separate engine carries none.
    stamps = {None, *revisions(wanted).values()}
    for deployment in observed.owned_deployments():
        if template_revision(deployment) not in stamps:
            continue
        name = deployment["metadata"]["name"]
        for condition in (deployment.get("status") or {}).get("conditions") or []:
            message = str(condition.get("message") or "")
            kind, is_true = condition.get("type"), condition.get("status") == "True"
            if kind == "ReplicaFailure" and is_true:
                yield _replica_failure(name, message)
            elif kind == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
                yield Diagnosis(
                    kind="progress-deadline",
                    summary=f"Deployment {name} makes no progress",
                    why=message,
                    hint=f"see what its pods say: `kubectl describe deployment {name}`",
                    conclusive=False,
                )


def _replica_failure(name: str, message: str) -> Diagnosis:
    is_quota = "exceeded quota" in message
    return Diagnosis(
        kind="quota" if is_quota else "pod-creation",
        summary=f"the pods of Deployment {name} cannot be created",
        why=message,
        hint="ask for less in `resources`, or raise the namespace's quota"
        if is_quota
        else "correct what the message names; a service account has to exist first",
        # Quota comes back when other pods end; a policy or a missing account stays.
        conclusive=not is_quota and "forbidden" in message,
    )


def _operator(observed: Observation) -> Iterator[Diagnosis]:
    if observed.state != "Failed":
        return
    description = observed.description
    if is_refused(observed.deployment):
        yield Diagnosis(
            kind="operator",
            summary="the embedded runtime cannot run it",
            why=description,
            hint="deploy it to a cluster with Seldon Core, or change what is named",
            conclusive=True,
        )
        return
    yield Diagnosis(
        kind="operator",
        summary="Seldon's operator reports that it failed",
        why=description or "it gives no description",
        hint="correct what the description names"
        if description
        else "look at the operator's log in the namespace seldon-system",
        conclusive=_CERTAIN.search(description) is not None,
    )


def _end_of(pod: Object, container: Object, observed: Observation) -> str:
    """How a container ended, with its last words."""
    end = _last_end(container) or {}
    code = end.get("exitCode")
    text = f"exit code {code}" if code is not None else "it ended"
    if end.get("reason") not in (None, "", "Error", "Completed"):
        text += f" ({end['reason']})"
    words = _last_words(pod, container, observed)
    return f"{text}: {words[-1]}" if words else text


def _hint_of(pod: Object, container: Object, observed: Observation) -> str:
    """What the container itself said to try; "" where it said nothing of that.

    Our own server does so, in the line before its last.
    """
    words = _last_words(pod, container, observed)[-2:]
    return words[0].removeprefix(_TRY) if words and words[0].startswith(_TRY) else ""


def _last_words(pod: Object, container: Object, observed: Observation) -> list[str]:
    lines = observed.logs.get(f"{pod['metadata']['name']}/{container['name']}") or ()
    message = str((_last_end(container) or {}).get("message") or "")
    said = [line.strip() for line in (*lines, *message.splitlines())]
    return [line for line in said if line]


def _last_end(container: Object) -> Object | None:
    for key in ("state", "lastState"):
        end: Object | None = (container.get(key) or {}).get("terminated")
        if end is not None:
            return end
    return None


def _failed_end(end: Object | None) -> Object | None:
    return end if end is not None and int(end.get("exitCode") or 0) != 0 else None


def _event_count(pod: Object, reason: str, observed: Observation) -> int:
    return sum(int(event.get("count") or 1) for event in _events(pod, reason, observed))


def _events(pod: Object, reason: str, observed: Observation) -> list[Object]:
    """The events of one kind about a pod."""
    name = pod["metadata"]["name"]
    return [
        event
        for event in observed.events
        if event.get("reason") == reason and (event.get("involvedObject") or {}).get("name") == name
    ]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
