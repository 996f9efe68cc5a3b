"""What happens after a deployment failed: take down what was seen, undo, and say it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from seldon_deployer import naming
from seldon_deployer.cluster import PODS, SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.deployer.give_back import give_back
from seldon_deployer.deployer.wait import Verdict
from seldon_deployer.errors import (
    ClusterError,
    DeploymentError,
    DeploymentFailed,
    DeploymentTimeout,
    NotFound,
    SeldonDeployerError,
)
from seldon_deployer.manifest.diagnosis import Diagnosis, diagnose
from seldon_deployer.manifest.observation import Observation, pods_of_revision
from seldon_deployer.manifest.ownership import owned_fields
from seldon_deployer.manifest.readiness import NotYet
from seldon_deployer.service.observe import PODS_TO_ASK_ABOUT, events_of, pod_selector

log = logging.getLogger(__name__)

LOG_LINES = 20
_SHOWN_LOG_LINES = 8
_SHOWN_EVENTS = 6


def capture(cluster: Cluster, applied: Object, observed: Observation) -> Observation:
    """Add pods, their events and last log lines: before anything is undone, as far as allowed."""
    namespace = applied["metadata"]["namespace"]
    try:
        if not observed.pods:
            pods, _ = cluster.list(PODS, namespace=namespace, label_selector=pod_selector(applied))
            observed = replace(observed, pods=tuple(pods))
        observed = replace(observed, events=tuple(events_of(cluster, applied, observed)))
    except ClusterError as error:
        log.warning("pods and events could not be read: %s", error)
    logs = {}
    for pod in pods_of_revision(applied, observed)[:PODS_TO_ASK_ABOUT]:
        for container in _statuses(pod):
            lines = _last_lines(cluster, pod, container)
            if lines:
                logs[f"{pod['metadata']['name']}/{container['name']}"] = lines
    return replace(observed, logs=logs)


def failure_of(
    applied: Object, verdict: Verdict, observed: Observation, *, timeout_seconds: float, undone: str
) -> DeploymentError:
    """The error to raise: DeploymentFailed if the verdict is final, else DeploymentTimeout."""
    name = applied["metadata"]["name"]
    report = (*_report(applied, observed), undone)
    # With logs at hand the same failure has better words.
    found = diagnose(applied, observed)
    if isinstance(verdict, Diagnosis):
        if found is not None and found.kind == verdict.kind:
            verdict = found
        return DeploymentFailed(
            f"{name} cannot serve: {verdict.summary}",
            why=verdict.why,
            hint=verdict.hint,
            report=report,
        )
    what = f"{name} is not ready after {timeout_seconds:g} s"
    if found is not None:
        return DeploymentTimeout(
            what, why=f"{found.summary}: {found.why}", hint=found.hint, report=report
        )
    reason = verdict.reason if isinstance(verdict, NotYet) else ""
    return DeploymentTimeout(
        what,
        why=reason,
        hint="allow more time with --timeout, or check that Seldon's operator runs",
        report=report,
    )


def undo(cluster: Cluster, applied: Object, previous: Object | None) -> str:
    """Remove a first deployment, or bring the previous one back; says what was done.

    Only what we applied is touched: a resource that somebody else replaced meanwhile stays.
    """
    name = applied["metadata"]["name"]
    try:
        if previous is None:
            cluster.delete(SELDON_DEPLOYMENTS, name, uid=applied["metadata"]["uid"])
            return f"undone: {name} was removed again"
        if previous["metadata"].get("resourceVersion") == applied["metadata"]["resourceVersion"]:
            return f"{name} was left as it was: nothing had been changed"
        found = cluster.get(SELDON_DEPLOYMENTS, name)
        if found is None or found["metadata"]["uid"] != applied["metadata"]["uid"]:
            # An apply would make it again.
            return f"{name} is gone already"
        restored = cluster.apply(SELDON_DEPLOYMENTS, _as_it_was(previous, applied), force=True)
        give_back(cluster, previous, applied, found, restored)
    except NotFound:
        return f"{name} is gone already"
    except SeldonDeployerError as error:
        log.warning("%s could not be undone: %s", name, error)
        return f"not undone: {error}"
    return f"undone: {name} is back at what was deployed before"


def _as_it_was(previous: Object, applied: Object) -> Object:
    """What the failed apply wrote, and what we had before it, with the values of before.

    A field that was taken from its manager is ours alone now: left out, it would be gone.
    """
    both = [*_entries(previous), *_entries(applied)]
    head = {**previous["metadata"], "managedFields": both}
    return owned_fields({**previous, "metadata": head}, naming.FIELD_MANAGER)


def _entries(obj: Object) -> list[Object]:
    return obj["metadata"].get("managedFields") or []


def _report(applied: Object, observed: Observation) -> Iterator[str]:
    if observed.state:
        said = f" ({observed.description})" if observed.description else ""
        yield f"state: {observed.state}{said}"
    for pod in pods_of_revision(applied, observed):
        for container in _statuses(pod):
            yield f"pod {pod['metadata']['name']}, {container['name']}: {_told(container)}"
    for event in sorted(observed.events, key=_when)[-_SHOWN_EVENTS:]:
        yield f"event: {event.get('reason')}: {event.get('message')}"
    for where, lines in observed.logs.items():
        for line in lines[-_SHOWN_LOG_LINES:]:
            yield f"log {where}: {line}"


def _statuses(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _told(container: Object) -> str:
    state = container.get("state") or {}
    kind = next(iter(state), "unknown")
    reason = (state.get(kind) or {}).get("reason")
    ready = "ready" if container.get("ready") else "not ready"
    restarts = int(container.get("restartCount") or 0)
    return f"{kind}{f' ({reason})' if reason else ''}, {ready}, {restarts} restarts"


def _last_lines(cluster: Cluster, pod: Object, container: Object) -> tuple[str, ...]:
    state = container.get("state") or {}
    restarts = int(container.get("restartCount") or 0)
    if container.get("ready") or ("waiting" in state and restarts == 0):
        return ()
    try:
        lines = cluster.pod_logs(
            pod["metadata"]["name"],
            namespace=pod["metadata"]["namespace"],
            container=container["name"],
            # Of a container that was started again, the end of the one before tells why.
            previous="running" in state and restarts > 0,
            tail=LOG_LINES,
        )
        return tuple(lines)
    except SeldonDeployerError as error:
        log.debug("no log of %s: %s", container["name"], error)
        return ()


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
