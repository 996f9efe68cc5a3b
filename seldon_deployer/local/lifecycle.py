"""Start, find and end the embedded runtime: control, gateway and their units.

Locks tell what runs; the system frees them with the process. Whoever starts or ends holds one more.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from seldon_deployer.errors import LocalRuntimeError
from seldon_deployer.local.home import (
    HOME_VARIABLE,
    RuntimeRecord,
    claims_folder,
    hold_lock,
    home_folder,
    prepare_home,
    read_runtime,
    write_private,
    write_runtime,
)
from seldon_deployer.local.kubeconfig import kubeconfig
from seldon_deployer.local.launch import (
    GATEWAY_PORT_VARIABLE,
    MODULES,
    is_running,
    listen,
    start,
)
from seldon_deployer.local.ports import find_port
from seldon_deployer.local.process import ProcessId, end_recorded

__all__ = [
    "GATEWAY_PORT_VARIABLE",
    "HOME_VARIABLE",
    "Runtime",
    "RuntimeStatus",
    "ensure_running",
    "home_folder",
    "status",
    "stop",
]

logger = logging.getLogger(__name__)

# Control gives connections 10 s and then units 20 s, and a busy machine is slow at both.
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Runtime:
    """A running embedded runtime, and where to reach it."""

    home: Path
    kubeconfig: Path
    gateway_url: str
    api_url: str
    # Its folders are the claims of its pods, by name.
    volumes: Path | None = None


@dataclass(frozen=True)
class RuntimeStatus:
    """What of the runtime runs: process numbers, or None."""

    home: Path
    control: int | None
    gateway: int | None
    runtime: Runtime | None

    @property
    def is_running(self) -> bool:
        """Whether it is all there."""
        return self.control is not None and self.gateway is not None


def ensure_running(home: Path | None = None) -> Runtime:
    """Give the runtime of a home, started where it does not run.

    Raises LocalRuntimeError: a port is busy, or a process ended at its start.
    """
    home = prepare_home(home or home_folder())
    running = status(home)
    if running.is_running and running.runtime is not None:
        return running.runtime
    with hold_lock(home / "start.lock", wait=True):
        record = _record(home)
        missing = [name for name in MODULES if not is_running(home, name)]
        if "control" in missing:
            # Control reads the variable once it runs; who comes later may have another.
            record = replace(record, volumes=str(claims_folder(home)))
            write_runtime(home, record)
        with ExitStack() as stack:
            # Both ports first: where one is busy, nothing is started.
            sockets = [stack.enter_context(listen(name, record)) for name in missing]
            started = [
                stack.enter_context(start(home, name, listener))
                for name, listener in zip(missing, sockets, strict=True)
            ]
            for process in started:
                process.wait_ready()
    return _runtime(home, record)


def status(home: Path | None = None) -> RuntimeStatus:
    """What runs in a home; starts nothing."""
    home = home or home_folder()
    record = read_runtime(home)
    found = {name: _process(home, name) for name in MODULES}
    return RuntimeStatus(
        home=home,
        control=found["control"].pid if found["control"] else None,
        gateway=found["gateway"].pid if found["gateway"] else None,
        runtime=_runtime(home, record) if record else None,
    )


def stop(home: Path | None = None, *, patience_seconds: float = STOP_SECONDS) -> bool:
    """End gateway, control and every unit; whether anything ran. Objects stay for a next start.

    Raises LocalRuntimeError when a process did not end by itself; ended it is, and all units are.
    """
    home = home or home_folder()
    if not home.exists():
        return False
    with hold_lock(home / "start.lock", wait=True):
        running = [process for name in MODULES if (process := _process(home, name))]
        try:
            # The gateway goes first: units that nobody holds a connection to end at once.
            stuck = [each.pid for each in reversed(running) if not _end(each, patience_seconds)]
        finally:
            # Units of a control that was killed, before or just now.
            left = end_recorded(home / "pods")
    if stuck:
        named = " and ".join(f"process {pid}" for pid in stuck)
        raise LocalRuntimeError(
            f"{named} of the embedded runtime did not end by itself",
            why=f"it was asked {patience_seconds:g} s before it was killed",
        )
    return bool(left or running)


def _record(home: Path) -> RuntimeRecord:
    """The home's ports and token; chosen once, then kept, so that URLs stay what they were."""
    known = read_runtime(home)
    wanted = os.environ.get(GATEWAY_PORT_VARIABLE)
    if wanted is not None and not (wanted.isdecimal() and 0 < int(wanted) < 65536):
        raise LocalRuntimeError(
            f"{GATEWAY_PORT_VARIABLE}={wanted} is no port", hint="give a number from 1 to 65535"
        )
    record = RuntimeRecord(
        api_port=known.api_port if known else find_port(),
        gateway_port=int(wanted) if wanted else known.gateway_port if known else find_port(),
        token=known.token if known else secrets.token_urlsafe(32),
        volumes=known.volumes if known else None,
    )
    if known and known.gateway_port != record.gateway_port and is_running(home, "gateway"):
        raise LocalRuntimeError(
            f"the gateway runs on port {known.gateway_port} already",
            why=f"{GATEWAY_PORT_VARIABLE} asks for {wanted}",
            hint="end it with `seldon-deployer local stop` first",
        )
    if record != known:
        write_runtime(home, record)
    write_private(home / "kubeconfig", kubeconfig(record.api_port, record.token))
    return record


def _runtime(home: Path, record: RuntimeRecord) -> Runtime:
    return Runtime(
        home=home,
        kubeconfig=home / "kubeconfig",
        gateway_url=f"http://127.0.0.1:{record.gateway_port}",
        api_url=f"http://127.0.0.1:{record.api_port}",
        volumes=Path(record.volumes) if record.volumes else None,
    )


def _process(home: Path, name: str) -> ProcessId | None:
    if not is_running(home, name):
        return None
    return ProcessId.parse((home / f"{name}.lock").read_text())


def _end(process: ProcessId, patience_seconds: float) -> bool:
    """End a process and its group; whether it ended by itself."""
    process.signal_group(signal.SIGTERM)
    try:
        found = psutil.Process(process.pid)
        found.wait(timeout=patience_seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        process.signal_group(signal.SIGKILL)
        # A next start is to find it gone.
        psutil.wait_procs([found], timeout=patience_seconds)
        return False
    return True
