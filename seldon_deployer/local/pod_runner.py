"""One pod as processes: its folder, its model, its containers, its status."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from seldon_deployer.local.api import Api
from seldon_deployer.local.container import BackOff, Command, ContainerRunner
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.images import NotRunnable, Program, find_program
from seldon_deployer.local.model_download import ModelDownload
from seldon_deployer.local.objects import CONFIG_MAPS, PODS, SECRETS
from seldon_deployer.local.pod_folder import (
    PORTS_ANNOTATION,
    ConfigMissing,
    PodFolder,
    decode_secret,
)
from seldon_deployer.local.pod_ports import (
    Ports,
    lease_ports,
    probe_ports,
    recall_ports,
    write_ports,
)
from seldon_deployer.local.pod_status import (
    ContainerState,
    build_status,
    parse_timestamp,
    timestamp,
)
from seldon_deployer.local.ports import PortLease
from seldon_deployer.local.process import (
    UnitProcess,
    last_lines,
    read_record,
    record_file,
)
from seldon_deployer.local.status import ApiError

logger = logging.getLogger(__name__)

Object = dict[str, Any]

KUBELET = "kubelet"
_CONFIG_RETRY_SECONDS = 1.0
_STORE_RETRY_SECONDS = 1.0
# How long news that nobody waits for may wait, while the processes start.
_LEISURE_SECONDS = 0.05


class PodRunner:
    """One pod from its start to its end."""

    def __init__(
        self,
        api: Api,
        events: EventRecorder,
        folder: Path,
        pod: Object,
        on_gone: Callable[[str], None],
    ) -> None:
        self._api = api
        self._events = events
        self._pod = pod
        self._folder = PodFolder(folder, pod, self._read_data)
        self._on_gone = on_gone
        self._started = datetime.now(UTC)
        self._initializers = [_state(item) for item in pod["spec"].get("initContainers", [])]
        self._containers = [_state(item) for item in pod["spec"]["containers"]]
        self._runners: list[ContainerRunner] = []
        self._model = ModelDownload(self._folder)
        self._leases: list[PortLease] = []
        self._writing: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._running = self._loop.create_task(self._run())
        self._running.add_done_callback(self._tell_failure)

    def terminate(self, grace_seconds: float) -> None:
        """Begin to end the pod and delete its object; a second call changes nothing."""
        if self._ending is None:
            self._ending = self._loop.create_task(self._terminate(grace_seconds))

    async def stop(self, grace_seconds: float = 20.0) -> None:
        """End the processes; the object and the folder stay."""
        await self._model.stop(grace_seconds)
        await asyncio.gather(*(runner.stop(grace_seconds) for runner in self._runners))
        self._running.cancel()
        for lease in self._leases:
            lease.release()

    async def _run(self) -> None:
        try:
            is_adopted = self._recall()
            await self._prepare()
            if not is_adopted:
                await self._initialize()
            await self._run_containers(is_adopted)
        except NotRunnable as error:
            self._show_waiting("ErrImagePull", str(error))
            self._say("Warning", "Failed", str(error))

    def _recall(self) -> bool:
        """Take over the states of a pod that runs since before this control; False for others."""
        if not is_running(self._folder.root, self._pod):
            return False
        status = self._pod["status"]
        self._started = parse_timestamp(status["startTime"])
        known = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        by_name = {item["name"]: item for item in known}
        for state in (*self._initializers, *self._containers):
            state.recall(by_name[state.name])
        return True

    async def _prepare(self) -> None:
        self._mark_dirty(_LEISURE_SECONDS)
        while True:
            try:
                self._folder.create()
            except ConfigMissing as error:
                self._show_waiting("ContainerCreating", str(error))
                self._say("Warning", "FailedMount", f"MountVolume.SetUp failed: {error}")
                await asyncio.sleep(_CONFIG_RETRY_SECONDS)
            else:
                return

    async def _initialize(self) -> None:
        for spec, state in zip(
            self._pod["spec"].get("initContainers", []), self._initializers, strict=True
        ):
            if find_program(spec).program is not Program.INITIALIZER:
                raise NotRunnable(f"Init container {spec['name']} cannot run on this machine.")
            back_off = BackOff()
            while not await self._download(spec, state):
                wait = back_off.next_seconds(0)
                if wait > 0:
                    state.state = {"waiting": {"reason": "CrashLoopBackOff"}}
                    message = f"Back-off restarting failed container {state.name} in pod"
                    self._say("Warning", "BackOff", f"{message} {self._long_name}")
                    self._mark_dirty()
                    await asyncio.sleep(wait)
                state.restarts += 1

    async def _download(self, spec: Object, state: ContainerState) -> bool:
        """Run the model initializer once; whether it succeeded."""
        environment = await self._environment(spec, state, {})
        began = datetime.now(UTC)
        state.state = {"running": {"startedAt": timestamp(began)}}
        self._mark_dirty(_LEISURE_SECONDS)
        log = self._folder.log(state.name, state.restarts)
        code = await self._model.run(spec, environment, log)
        ended: Object = {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": timestamp(began),
            "finishedAt": timestamp(datetime.now(UTC)),
        }
        state.state = {"terminated": ended | ({"message": last_lines(log)} if code else {})}
        state.is_ready = code == 0
        if code:
            state.last_state = state.state
        self._mark_dirty(_LEISURE_SECONDS)
        return code == 0

    async def _run_containers(self, is_adopted: bool) -> None:
        ports = recall_ports(self._pod) if is_adopted else lease_ports(self._pod, self._leases)
        specs = self._pod["spec"]["containers"]
        for spec, state in zip(specs, self._containers, strict=True):
            runnable = find_program(spec)
            if runnable.is_done_elsewhere:
                continue
            if runnable.program is not Program.SERVER:
                raise NotRunnable(f"Container {spec['name']} cannot run on this machine.")
            known = ports.get(spec["name"], {})
            record = record_file(self._folder.root, spec["name"])
            argv = [self._folder.interpreter(), "-m", "seldon_deployer.server"]
            argv += [runnable.model_class] if runnable.model_class else []
            self._runners.append(
                ContainerRunner(
                    spec,
                    state,
                    command=Command(
                        tuple(argv),
                        await self._environment(spec, state, known),
                        self._folder.working_folder(),
                        record,
                    ),
                    log=partial(self._folder.log, state.name),
                    ports=probe_ports(spec, known),
                    pod=self._long_name,
                    on_change=self._mark_dirty,
                    on_event=self._say,
                    adopted=UnitProcess.adopt(record) if is_adopted else None,
                )
            )
        async with asyncio.TaskGroup() as group:
            for runner in self._runners:
                group.create_task(runner.run())
            # The processes are on their way before anything is written.
            await asyncio.sleep(0)
            if not is_adopted:
                self._note_ports(ports)

    async def _environment(
        self, spec: Object, state: ContainerState, ports: dict[int, int]
    ) -> dict[str, str]:
        while True:
            try:
                return self._folder.environment(spec, ports)
            except ConfigMissing as error:
                waiting = {"reason": "CreateContainerConfigError", "message": str(error)}
                state.state = {"waiting": waiting}
                self._say("Warning", "Failed", f"Error: {error}")
                self._mark_dirty()
                await asyncio.sleep(_CONFIG_RETRY_SECONDS)

    def _note_ports(self, ports: Ports) -> None:
        """Write the real ports down on the pod, for the gateway."""
        note = {PORTS_ANNOTATION: write_ports(self._pod, ports)}
        metadata = self._pod["metadata"]
        try:
            self._api.patch(
                PODS,
                metadata["namespace"],
                metadata["name"],
                {"metadata": {"annotations": note}},
                patch_type="merge",
                manager=KUBELET,
            )
        except ApiError as error:
            # Deleted by force just now: its end is on its way.
            if error.status != 404:
                raise

    async def _terminate(self, grace_seconds: float) -> None:
        await self.stop(grace_seconds)
        await asyncio.wait([self._running])
        self._folder.remove()
        metadata = self._pod["metadata"]
        self._on_gone(metadata["uid"])
        try:
            self._api.delete(PODS, metadata["namespace"], metadata["name"], grace_period_seconds=0)
        except ApiError as error:
            # Deleted by force: the object went before its processes.
            if error.status != 404:
                raise

    def _mark_dirty(self, within_seconds: float = 0.0) -> None:
        # Changes that come together become one write.
        moment = self._loop.time() + within_seconds
        if self._writing is not None:
            if self._writing.when() <= moment:
                return
            self._writing.cancel()
        self._writing = self._loop.call_at(moment, self._write_status)

    def _write_status(self) -> None:
        self._writing = None
        self._copy_state_to_orchestrator()
        metadata = self._pod["metadata"]
        status = build_status(
            self._pod.get("status", {}),
            self._initializers,
            self._containers,
            started=self._started,
            now=datetime.now(UTC),
        )
        self._pod = self._pod | {"status": status}
        try:
            self._api.patch(
                PODS,
                metadata["namespace"],
                metadata["name"],
                {"status": status},
                patch_type="merge",
                manager=KUBELET,
                subresource="status",
            )
        except sqlite3.Error as error:
            logger.warning("status of pod %s not written: %s", self._long_name, error)
            self._mark_dirty(_STORE_RETRY_SECONDS)
        except ApiError as error:
            if error.status != 404:
                raise

    def _copy_state_to_orchestrator(self) -> None:
        """The gateway stands for the orchestrator: it runs and is ready when the units are.

        So does what a unit's own process does the work of.

        One in a pod of its own has none to wait for: the gateway looks for them itself.
        """
        by_name = {state.name: state for state in self._containers}
        units: list[ContainerState] = []
        engines: list[ContainerState] = []
        for spec in self._pod["spec"]["containers"]:
            try:
                is_engine = find_program(spec).is_done_elsewhere
            except NotRunnable:
                is_engine = False
            (engines if is_engine else units).append(by_name[spec["name"]])
        for engine in engines:
            runs = not units or any("running" in unit.state for unit in units)
            if runs and "running" not in engine.state:
                engine.state = {"running": {"startedAt": timestamp(datetime.now(UTC))}}
            engine.is_started = runs or engine.is_started
            engine.is_ready = all(unit.is_ready for unit in units)

    def _tell_failure(self, running: asyncio.Task[None]) -> None:
        if running.cancelled() or (error := running.exception()) is None:
            return
        logger.error("pod %s cannot run", self._long_name, exc_info=error)
        self._show_waiting("CreateContainerError", str(error))

    def _show_waiting(self, reason: str, message: str) -> None:
        for state in self._containers:
            state.state = {"waiting": {"reason": reason, "message": message}}
        self._mark_dirty()

    def _say(self, kind: str, reason: str, message: str) -> None:
        self._events.record(self._pod, kind, reason, message)

    @property
    def _long_name(self) -> str:
        metadata = self._pod["metadata"]
        return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"

    def _read_data(self, kind: str, name: str) -> dict[str, str] | None:
        resource = SECRETS if kind == "secret" else CONFIG_MAPS
        try:
            obj = self._api.get(resource, self._pod["metadata"]["namespace"], name)
        except ApiError:
            return None
        data: dict[str, str] = obj.get("data") or {}
        return decode_secret(data) if kind == "secret" else data


def is_running(folder: Path, pod: Object) -> bool:
    """Whether every process that a pod's folder recorded runs, and the pod says all of it."""
    records = [read_record(file) for file in folder.glob("*.process")]
    ports = (pod["metadata"].get("annotations") or {}).get(PORTS_ANNOTATION)
    return bool(
        ports
        and records
        and "containerStatuses" in pod.get("status", {})
        and all(record is not None and record.is_alive() for record in records)
    )


def _state(spec: Object) -> ContainerState:
    return ContainerState(name=spec["name"], image=spec.get("image", ""))
