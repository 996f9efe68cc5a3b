"""Pods as processes: what kubelet does, for the one node that is this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from seldon_deployer.local.api import Api
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.objects import PODS
from seldon_deployer.local.pod_folder import log_file
from seldon_deployer.local.pod_runner import KUBELET, PodRunner
from seldon_deployer.local.status import ApiError

Object = dict[str, Any]


class PodRuntime:
    """Runs every pod of the store; `folder` holds one folder for each."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._events = EventRecorder(api, KUBELET)
        self._runners: dict[str, PodRunner] = {}

    def sync(self, change: str, pod: Object) -> None:
        """Act on a change of a pod (ADDED, MODIFIED or DELETED)."""
        uid = pod["metadata"]["uid"]
        runner = self._runners.get(uid)
        if change == "DELETED":
            if runner is not None:
                runner.terminate(grace_seconds=0.0)
            return
        if runner is None:
            runner = PodRunner(self._api, self._events, self._folder / uid, pod, self._forget)
            self._runners[uid] = runner
        if pod["metadata"].get("deletionTimestamp"):
            runner.terminate(float(pod["metadata"].get("deletionGracePeriodSeconds", 30)))

    async def stop(self) -> None:
        """End every process; the pods' objects stay."""
        await asyncio.gather(*(runner.stop() for runner in list(self._runners.values())))

    def log_path(self, namespace: str, name: str, container: str, previous: bool) -> Path | None:
        """The file with a container's output; None where there is none (yet)."""
        try:
            pod = self._api.get(PODS, namespace, name)
        except ApiError:
            return None
        status = pod.get("status", {})
        known = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        state = next((item for item in known if item["name"] == container), None)
        if state is None or (previous and not state["lastState"].get("terminated")):
            return None
        # While nothing runs, the last run that ended is both the current and the previous one.
        back = 1 if previous and "running" in state["state"] else 0
        folder = self._folder / pod["metadata"]["uid"]
        path = log_file(folder, container, state["restartCount"] - back)
        return path if path.exists() else None

    def _forget(self, uid: str) -> None:
        self._runners.pop(uid, None)
