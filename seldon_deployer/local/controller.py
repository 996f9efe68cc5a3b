"""The controllers of the embedded cluster: what is wanted becomes what is.

Seldon's operator, the Deployment controller and kubelet, woken by changes alone; one worker for
the first two, so that each object is looked at by one at a time.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from datetime import UTC, datetime
from typing import Any

from seldon_deployer.local.api import Api
from seldon_deployer.local.deployments import DeploymentController
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.objects import DEPLOYMENTS, PODS, SELDON_DEPLOYMENTS, SERVICES, Resource
from seldon_deployer.local.pods import PodRuntime
from seldon_deployer.local.sdeps import SeldonController
from seldon_deployer.local.status import ApiError

logger = logging.getLogger(__name__)

Object = dict[str, Any]
# Which controller, namespace, name.
Key = tuple[str, str, str]

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.05, 60.0
_FORGET_EVENTS_EVERY_SECONDS = 600.0


class Controllers:
    """Watches the store and reconciles until cancelled."""

    def __init__(self, api: Api, pods: PodRuntime) -> None:
        self._api = api
        self._pods = pods
        self._events = EventRecorder(api, "seldon-controller-manager")
        self._seldon = SeldonController(api, self._events)
        self._deployments = DeploymentController(api, self._wake_at)
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._alarms: dict[Key, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for resource in (SELDON_DEPLOYMENTS, DEPLOYMENTS, SERVICES, PODS):
                group.create_task(self._watch(resource))
            group.create_task(self._forget_events())
            group.create_task(self._work())

    async def _watch(self, resource: Resource) -> None:
        version = ""
        while True:
            try:
                async for change, obj in self._api.watch(resource, resource_version=version):
                    version = obj["metadata"]["resourceVersion"]
                    self._notice(resource, change, obj)
            except ApiError as error:
                if error.status != 410:
                    raise
                version = ""

    def _notice(self, resource: Resource, change: str, obj: Object) -> None:
        metadata = obj["metadata"]
        if resource is SELDON_DEPLOYMENTS and change != "DELETED":
            self._enqueue(("SeldonDeployment", metadata["namespace"], metadata["name"]))
        elif resource is DEPLOYMENTS and change != "DELETED":
            self._enqueue(("Deployment", metadata["namespace"], metadata["name"]))
        elif resource is PODS:
            self._pods.sync(change, obj)
        for owner in metadata.get("ownerReferences") or []:
            if owner["kind"] in ("SeldonDeployment", "Deployment"):
                self._enqueue((owner["kind"], metadata["namespace"], owner["name"]))

    def _enqueue(self, key: Key) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            self._queue.put_nowait(key)

    def _wake_at(self, key: Key, moment: datetime) -> None:
        seconds = max(0.0, (moment - datetime.now(UTC)).total_seconds())
        if known := self._alarms.pop(key, None):
            known.cancel()
        self._alarms[key] = self._loop.call_later(seconds, self._enqueue, key)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            self._waiting.discard(key)
            kind, namespace, name = key
            controller = self._seldon if kind == "SeldonDeployment" else self._deployments
            try:
                controller.reconcile(namespace, name)
            except (ApiError, sqlite3.Error) as error:
                # Somebody else was first, or the disk is full: units serve on meanwhile.
                pause = self._retry(key)
                logger.warning("%s %s/%s: %s; again in %.1f s", kind, namespace, name, error, pause)
            except (LookupError, TypeError, ValueError, AttributeError):
                # An object that no check foresaw must not end the cluster for all the others.
                pause = self._retry(key)
                logger.exception("%s %s/%s cannot be read", kind, namespace, name)
            else:
                self._failures.pop(key, None)
            # Requests and probes get their turn between two objects.
            await asyncio.sleep(0)

    def _retry(self, key: Key) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(_FIRST_RETRY_SECONDS * 2.0 ** min(failures, 16), _LONGEST_RETRY_SECONDS)
        self._loop.call_later(pause, self._enqueue, key)
        return pause

    async def _forget_events(self) -> None:
        while True:
            try:
                self._events.forget_old()
            except (ApiError, sqlite3.Error) as error:
                logger.warning("old events not deleted: %s", error)
            await asyncio.sleep(_FORGET_EVENTS_EVERY_SECONDS)
