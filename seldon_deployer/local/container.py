"""One container kept running: start, probe, restart with back-off, stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seldon_deployer.local.pod_status import ContainerState, timestamp
from seldon_deployer.local.probes import STARTING_PERIOD_SECONDS, Probe, read_probe
from seldon_deployer.local.process import UnitProcess, last_lines

logger = logging.getLogger(__name__)

Object = dict[str, Any]

# As kubelet: the first restart at once, then doubling up to five minutes, forgotten after ten
# minutes of running well. Kubelet begins with 10 s; a laptop need not wait so long.
FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 300.0
FORGET_AFTER_SECONDS = 600.0


@dataclass(frozen=True)
class Command:
    """What to start: everything made real."""

    argv: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    record: Path


class BackOff:
    """How long to wait before each restart."""

    def __init__(self) -> None:
        self._next = 0.0

    def next_seconds(self, ran_seconds: float) -> float:
        """The wait before the restart that follows a run of that length."""
        if ran_seconds >= FORGET_AFTER_SECONDS:
            self._next = 0.0
        wait = self._next
        self._next = min(max(wait * 2, FIRST_BACK_OFF_SECONDS), LONGEST_BACK_OFF_SECONDS)
        return wait


class ContainerRunner:
    """Supervises the process of one container; `on_change` is told after each change of `state`.

    `on_event(type, reason, message)` gets what kubelet would say.
    """

    def __init__(
        self,
        container: Object,
        state: ContainerState,
        *,
        command: Command,
        log: Callable[[int], Path],
        ports: dict[str, int],
        pod: str,
        on_change: Callable[[], None],
        on_event: Callable[[str, str, str], None],
        adopted: UnitProcess | None = None,
    ) -> None:
        self.state = state
        self._container = container
        self._command = command
        self._log = log
        self._ports = ports
        self._pod = pod
        self._on_change = on_change
        self._on_event = on_event
        # One that an earlier control started: the first run is its rest.
        self._process = adopted
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Keep the container running until `stop` is called."""
        back_off = BackOff()
        while not self._stopping:
            began = self._loop.time()
            if not await self._run_once():
                return
            wait = back_off.next_seconds(self._loop.time() - began)
            if wait > 0 and not self._stopping:
                self._show_back_off(wait)
                await asyncio.sleep(wait)
            self.state.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """End the container for good."""
        self._stopping = True
        if self._process is not None and self._process.is_running:
            self._on_event("Normal", "Killing", f"Stopping container {self.state.name}")
            await self._process.stop(grace_seconds)

    async def _run_once(self) -> bool:
        """Start, probe and wait for the end; False when it was asked to stop."""
        log = self._log(self.state.restarts)
        began = datetime.now(UTC)
        process = self._process or self._start(log, began)
        if process is None:
            return not self._stopping
        probing = asyncio.create_task(self._probe(process))
        code = await process.wait()
        probing.cancel()
        self._process = None
        exit_code = code if code >= 0 else 128 - code
        reason = "Completed" if exit_code == 0 else "Error"
        self._show_end(exit_code, reason, last_lines(log), began)
        return not self._stopping

    def _start(self, log: Path, began: datetime) -> UnitProcess | None:
        state, command = self.state, self._command
        # Kept are this run's output and the one before, as `kubectl logs --previous` asks for.
        self._log(state.restarts - 2).unlink(missing_ok=True)
        try:
            process = UnitProcess.start(
                command.argv,
                env=command.env,
                folder=command.folder,
                log=log,
                record=command.record,
            )
        except OSError as error:
            # No interpreter, no folder: kubelet calls that StartError.
            message = f"{error.strerror}: {error.filename}"
            self._show_end(128, "StartError", message, began)
            self._on_event("Warning", "Failed", f"Error: {message}")
            return None
        self._process = process
        state.container_id = str(process.id)
        state.state = {"running": {"startedAt": timestamp(began)}}
        state.is_started = "startupProbe" not in self._container
        state.is_ready = False
        self._on_event("Normal", "Started", f"Started container {state.name}")
        self._on_change()
        return process

    async def _probe(self, process: UnitProcess) -> None:
        container, ports = self._container, self._ports
        startup = read_probe(container, "startupProbe", ports)
        readiness = read_probe(container, "readinessProbe", ports)
        liveness = read_probe(container, "livenessProbe", ports)
        if startup is not None and not await self._wait_started(startup):
            await self._kill("startup", process)
            return
        self.state.is_started = True
        tasks = [asyncio.create_task(self._watch_readiness(readiness))]
        if liveness is not None:
            tasks.append(asyncio.create_task(self._watch_liveness(liveness, process)))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _wait_started(self, probe: Probe) -> bool:
        """Ask often until the first success, or until the probe's own count of failures is full."""
        began = self._loop.time()
        end = began + probe.patience_seconds
        while (failure := await probe.failure()) is not None:
            if self._loop.time() >= end:
                self._unhealthy("Startup", failure)
                return False
            await asyncio.sleep(_pause(self._loop.time() - began, probe))
        return True

    async def _watch_readiness(self, probe: Probe | None) -> None:
        if probe is None:
            self._set_ready(True)
            return
        if not self.state.is_ready:
            await self._wait_ready(probe)
        failures = successes = 0
        while True:
            await asyncio.sleep(probe.period_seconds)
            failure = await probe.failure()
            failures = 0 if failure is None else failures + 1
            successes = successes + 1 if failure is None else 0
            if failure is not None:
                self._unhealthy("Readiness", failure)
            if failures >= probe.failure_threshold:
                self._set_ready(False)
            elif successes >= probe.success_threshold:
                self._set_ready(True)

    async def _wait_ready(self, probe: Probe) -> None:
        began = self._loop.time()
        told = began + probe.initial_delay_seconds + probe.period_seconds
        while (failure := await probe.failure()) is not None:
            if self._loop.time() >= told:
                self._unhealthy("Readiness", failure)
                told += probe.period_seconds
            await asyncio.sleep(_pause(self._loop.time() - began, probe))
        self._set_ready(True)

    async def _watch_liveness(self, probe: Probe, process: UnitProcess) -> None:
        await asyncio.sleep(probe.initial_delay_seconds)
        failures = 0
        while failures < probe.failure_threshold:
            failure = await probe.failure()
            failures = 0 if failure is None else failures + 1
            if failure is not None:
                self._unhealthy("Liveness", failure)
            await asyncio.sleep(probe.period_seconds)
        await self._kill("liveness", process)

    async def _kill(self, probe: str, process: UnitProcess) -> None:
        message = f"Container {self.state.name} failed {probe} probe, will be restarted"
        self._on_event("Normal", "Killing", message)
        # Its end is awaited by `_run_once`, which cancels this task; the process ends all the same.
        await asyncio.shield(asyncio.ensure_future(process.stop(5.0)))

    def _set_ready(self, is_ready: bool) -> None:
        if self.state.is_ready != is_ready:
            self.state.is_ready = is_ready
            self._on_change()

    def _unhealthy(self, probe: str, failure: str) -> None:
        self._on_event("Warning", "Unhealthy", f"{probe} probe failed: {failure}")

    def _show_end(self, exit_code: int, reason: str, message: str, began: datetime) -> None:
        state = self.state
        ended: Object = {
            "exitCode": exit_code,
            "reason": reason,
            "startedAt": timestamp(began),
            "finishedAt": timestamp(datetime.now(UTC)),
        }
        if message:
            ended["message"] = message
        if state.container_id:
            ended["containerID"] = state.container_id
        state.state = {"terminated": ended}
        state.last_state = {"terminated": ended}
        state.is_ready = state.is_started = False
        self._on_change()

    def _show_back_off(self, wait: float) -> None:
        name = self.state.name
        self.state.state = {
            "waiting": {
                "reason": "CrashLoopBackOff",
                "message": f"back-off {wait:g}s restarting failed container={name} pod={self._pod}",
            }
        }
        self._on_event(
            "Warning",
            "BackOff",
            f"Back-off restarting failed container {name} in pod {self._pod}",
        )
        self._on_change()


def _pause(waited_seconds: float, probe: Probe) -> float:
    """The pause before the next question to a starting container: 2 % of the wait so far."""
    return min(max(STARTING_PERIOD_SECONDS, waited_seconds / 50), probe.period_seconds)
