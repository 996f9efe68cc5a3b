"""One container of a pod as a process of its own session, with its output in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

_STRANGER_PERIOD_SECONDS = 0.1


@dataclass(frozen=True)
class ProcessId:
    """Which process: a number alone may be another process's by now."""

    pid: int
    create_time: float

    def __str__(self) -> str:
        return f"process://{self.pid}/{self.create_time:.2f}"

    @classmethod
    def parse(cls, text: str) -> ProcessId | None:
        """Read the form that `str` writes; None for anything else."""
        scheme, _, rest = text.partition("://")
        pid, _, created = rest.partition("/")
        if scheme != "process" or not pid.isdecimal():
            return None
        try:
            return cls(int(pid), float(created))
        except ValueError:
            return None

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """The identity of a process that runs now; psutil.Error when there is none."""
        return cls(pid, round(psutil.Process(pid).create_time(), 2))

    @classmethod
    def current(cls) -> ProcessId:
        """The identity of this process."""
        return cls.of(os.getpid())

    def is_alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < 0.05
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process's group; nothing happens where it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class UnitProcess:
    """A running process of a unit; made by `start` or `adopt`, in a running event loop."""

    def __init__(self, identity: ProcessId, record: Path, wait_for_end: Callable[[], int]) -> None:
        self.id = identity
        self._record = record
        self._wait_for_end = wait_for_end
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[int] = self._loop.create_future()
        # A thread, because it works alike for our children and for others', on any system.
        threading.Thread(target=self._wait, name=f"wait-{identity.pid}", daemon=True).start()

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        log: Path,
        record: Path,
    ) -> UnitProcess:
        """Start a process with its output in `log`; OSError where it cannot be started."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            # A session of its own: the unit lives on when control dies, and its group is its own.
            popen = subprocess.Popen(
                argv,
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            identity = ProcessId.of(popen.pid)
        except psutil.Error:
            identity = ProcessId(popen.pid, 0.0)
        try:
            # Read by whoever finds the units of a control that died.
            record.write_text(str(identity))
        except OSError:
            # A full disk, say. Nobody would know this process: it must not hold the port for ever.
            identity.signal_group(signal.SIGKILL)
            popen.wait()
            raise
        return cls(identity, record, popen.wait)

    @classmethod
    def adopt(cls, record: Path) -> UnitProcess | None:
        """The process that an earlier control started and recorded; None where it has ended."""
        identity = read_record(record)
        if identity is None or not identity.is_alive():
            return None
        return cls(identity, record, partial(_wait_for_stranger, identity))

    @property
    def is_running(self) -> bool:
        """Whether its end was not seen yet."""
        return not self._exited.done()

    async def wait(self) -> int:
        """Wait for the end; gives the exit code (negative: the signal's number)."""
        # Shielded: who waits may be cancelled, the end of the process may not.
        return await asyncio.shield(self._exited)

    async def stop(self, grace_seconds: float) -> int:
        """End the process group: SIGTERM, then SIGKILL after the grace; gives the exit code."""
        self.id.signal_group(signal.SIGTERM)
        await asyncio.wait([self._exited], timeout=grace_seconds)
        if self.is_running:
            self.id.signal_group(signal.SIGKILL)
        code = await self.wait()
        self._record.unlink(missing_ok=True)
        return code

    def _wait(self) -> None:
        code = self._wait_for_end()
        # Children of the unit that outlived it go too.
        self.id.signal_group(signal.SIGKILL)
        # The loop is closed when control ends before its units do.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set_exit, code)

    def _set_exit(self, code: int) -> None:
        self._exited.set_result(code)


def record_file(pod_folder: Path, container: str) -> Path:
    """Where a pod's folder records the process of a container."""
    return pod_folder / f"{container}.process"


def read_record(record: Path) -> ProcessId | None:
    """The process that a record names; None where there is none."""
    try:
        return ProcessId.parse(record.read_text())
    except FileNotFoundError:
        return None


def end_recorded(folder: Path, grace_seconds: float = 10.0) -> int:
    """End all processes recorded in a folder and below it; returns how many were alive."""
    found = [read_record(file) for file in folder.glob("**/*.process")]
    alive = [process for process in found if process is not None and process.is_alive()]
    for process in alive:
        process.signal_group(signal.SIGTERM)
    handles = []
    for process in alive:
        with contextlib.suppress(psutil.Error):
            handles.append(psutil.Process(process.pid))
    psutil.wait_procs(handles, timeout=grace_seconds)
    for process in alive:
        # What is left of the group, were it only children of the unit.
        process.signal_group(signal.SIGKILL)
    for file in folder.glob("**/*.process"):
        file.unlink(missing_ok=True)
    return len(alive)


def last_lines(log: Path, *, lines: int = 5, limit: int = 2048) -> str:
    """The end of a log: at most so many non-empty lines and so many bytes."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - limit))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _wait_for_stranger(identity: ProcessId) -> int:
    """Wait for a process that is no child of ours.

    Only a parent learns an exit code; 255 is what kubelet says of a container it lost.
    """
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(identity.pid)
            select.select([handle], [], [])
            os.close(handle)
    else:
        # Only here there is nothing to wait on; a zombie that nobody reaps counts as ended.
        while identity.is_alive():
            time.sleep(_STRANGER_PERIOD_SECONDS)
    return 255
