"""Wait until a SeldonDeployment serves, woken by watches and never by a poll.

Two watches, on the SeldonDeployment and on the Deployments, feed one queue. Pods tell why
something does not start: they are looked at after two seconds and then at doubling distances, and
watched once anything looked wrong.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

from seldon_deployer.cluster import (
    DEPLOYMENTS,
    PODS,
    SELDON_DEPLOYMENTS,
    Cluster,
    Object,
    Watch,
    WatchEvent,
)
from seldon_deployer.errors import ClusterError, SeldonDeployerError
from seldon_deployer.manifest.diagnosis import Diagnosis, diagnose, is_held
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import NotYet, Ready, assess
from seldon_deployer.service.observe import OPERATOR_LABEL, events_of, pod_selector

log = logging.getLogger(__name__)

Tell = Callable[[str], None]
Verdict = Ready | NotYet | Diagnosis

FIRST_LOOK_SECONDS = 2.0


class View:
    """What was last seen of one SeldonDeployment, kept up to date by watch events."""

    def __init__(self, deployment: Object, deployments: Iterable[Object]) -> None:
        self._deployment: Object | None = deployment
        self._others: dict[str, dict[str, Object]] = {
            DEPLOYMENTS.plural: _by_uid(deployments),
            PODS.plural: {},
        }
        self._events: tuple[Object, ...] = ()

    def take(self, plural: str, event: WatchEvent) -> None:
        """Follow one change."""
        obj = event.object
        if plural != SELDON_DEPLOYMENTS.plural:
            if event.type == "DELETED":
                self._others[plural].pop(obj["metadata"]["uid"], None)
            else:
                self._others[plural][obj["metadata"]["uid"]] = obj
        elif event.type != "DELETED":
            self._deployment = obj
        elif self._deployment is None or _same(self._deployment, obj):
            self._deployment = None

    def replace_pods(self, pods: Iterable[Object]) -> None:
        """Take a fresh list of pods for what there is."""
        self._others[PODS.plural] = _by_uid(pods)

    def replace_events(self, events: Iterable[Object]) -> None:
        """Take a fresh list of events."""
        self._events = tuple(events)

    def observation(self) -> Observation:
        """The present state as a value."""
        return Observation(
            deployment=self._deployment,
            deployments=tuple(self._others[DEPLOYMENTS.plural].values()),
            pods=tuple(self._others[PODS.plural].values()),
            events=self._events,
        )


class Waiting:
    """One wait for one applied SeldonDeployment; `version` is that of the Deployments' list."""

    def __init__(
        self, cluster: Cluster, applied: Object, deployments: list[Object], version: str, tell: Tell
    ) -> None:
        self._cluster = cluster
        self._applied = applied
        self._deployments = deployments
        self._version = version
        self._tell = tell
        self._namespace = applied["metadata"]["namespace"]
        self._view = View(applied, deployments)
        self._queue: SimpleQueue[tuple[str, WatchEvent | SeldonDeployerError]] = SimpleQueue()
        self._watches: dict[str, Watch] = {}
        self._may_look = True

    def until(self, deadline: float) -> tuple[Verdict, Observation]:
        """Wait for a verdict until `deadline` (of time.monotonic); NotYet when it passes.

        Raises the error that ended a watch, such as PermissionDenied.
        """
        verdict = assess(self._applied, self._view.observation())
        if isinstance(verdict, NotYet):
            try:
                self._follow_both()
                verdict = self._loop(deadline)
            finally:
                # Not joined: a closed watch ends by itself, and nobody waits for it.
                for watch in self._watches.values():
                    watch.close()
        return verdict, self._view.observation()

    def _loop(self, deadline: float) -> Verdict:
        started = time.monotonic()
        distance = FIRST_LOOK_SECONDS
        next_look = started + distance
        said = ""
        while True:
            verdict = assess(self._applied, self._view.observation())
            if not isinstance(verdict, NotYet):
                return verdict
            if verdict.reason != said:
                said = verdict.reason
                self._tell(said)
            now = time.monotonic()
            if now >= deadline:
                return verdict
            if now >= next_look:
                distance *= 2
                next_look = now + distance
                self._look()
                continue
            self._take(min(deadline, next_look) - now)

    def _take(self, timeout_seconds: float) -> None:
        """Wait for an event and take it with all that came behind it."""
        try:
            plural, item = self._queue.get(timeout=timeout_seconds)
        except Empty:
            return
        while True:
            if isinstance(item, WatchEvent):
                self._view.take(plural, item)
            elif plural != PODS.plural:
                raise item
            try:
                plural, item = self._queue.get_nowait()
            except Empty:
                return

    def _look(self) -> None:
        """Look at the pods, and at their events if something is wrong with them."""
        if not self._may_look:
            return
        try:
            if PODS.plural not in self._watches:
                selector = pod_selector(self._applied)
                pods, version = self._cluster.list(
                    PODS, namespace=self._namespace, label_selector=selector
                )
                self._view.replace_pods(pods)
                is_well = diagnose(self._applied, self._view.observation()) is None
                if is_well and not any(map(is_held, pods)):
                    return
                if not is_well:
                    self._follow(PODS, label_selector=selector, since=version, known=pods)
            self._view.replace_events(
                events_of(self._cluster, self._applied, self._view.observation())
            )
        except ClusterError as error:
            # Pods only explain; readiness does not hang on being allowed to see them.
            log.warning("cannot look at the pods: %s", error)
            self._may_look = error.status not in {401, 403}

    def _follow_both(self) -> None:
        metadata = self._applied["metadata"]
        self._follow(
            SELDON_DEPLOYMENTS,
            field_selector=f"metadata.name={metadata['name']}",
            since=metadata["resourceVersion"],
            known=[self._applied],
        )
        self._follow(
            DEPLOYMENTS,
            label_selector=OPERATOR_LABEL,
            since=self._version,
            known=self._deployments,
        )

    def _follow(self, resource: Any, **selection: Any) -> None:
        watch = self._cluster.watch(resource, namespace=self._namespace, **selection)
        self._watches[resource.plural] = watch
        threading.Thread(
            target=_feed,
            args=(watch, resource.plural, self._queue),
            name=f"watch-{resource.plural}",
            daemon=True,
        ).start()


def _feed(
    watch: Watch, plural: str, queue: SimpleQueue[tuple[str, WatchEvent | SeldonDeployerError]]
) -> None:
    try:
        for event in watch:
            queue.put((plural, event))
    except SeldonDeployerError as error:
        queue.put((plural, error))


def _by_uid(objects: Iterable[Object]) -> dict[str, Object]:
    return {obj["metadata"]["uid"]: obj for obj in objects}


def _same(one: Object, other: Object) -> bool:
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))
