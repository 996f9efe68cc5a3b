"""Start a process of the runtime: control or gateway.

The starter binds the port and hands it over, so a busy port is its own error, and nobody has to
guess when a port is open.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seldon_deployer.errors import LocalRuntimeError
from seldon_deployer.local.home import RuntimeRecord, is_held
from seldon_deployer.local.process import last_lines

GATEWAY_PORT_VARIABLE = "SELDON_DEPLOYER_GATEWAY_PORT"
START_SECONDS = 30.0
# Another runtime that looks for a port of its own holds each for a moment.
_BIND_SECONDS = 0.2
_BIND_PAUSE_SECONDS = 0.02
MODULES = {
    "control": "seldon_deployer.local.control",
    "gateway": "seldon_deployer.local.gateway_process",
}


def is_running(home: Path, name: str) -> bool:
    """Whether a home's control or gateway runs."""
    return is_held(home / f"{name}.lock")


def listen(name: str, record: RuntimeRecord) -> socket.socket:
    """Take the port of control or gateway; LocalRuntimeError where it is not free."""
    port = record.api_port if name == "control" else record.gateway_port
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(listener, port)
    except OSError as error:
        listener.close()
        hint = "end the program that holds it"
        if name == "gateway":
            hint += f", or set {GATEWAY_PORT_VARIABLE} to another port"
        raise LocalRuntimeError(
            f"port {port} for the embedded runtime's {name} is not free",
            why=error.strerror or str(error),
            hint=hint,
        ) from error
    listener.listen(1024)
    return listener


def _bind(listener: socket.socket, port: int) -> None:
    deadline = time.monotonic() + _BIND_SECONDS
    while True:
        try:
            listener.bind(("127.0.0.1", port))
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_BIND_PAUSE_SECONDS)


@contextmanager
def start(home: Path, name: str, listener: socket.socket) -> Iterator[Starting]:
    """Start a process; it is ended again when the block fails."""
    log = home / "logs" / f"{name}.log"
    read_end, write_end = os.pipe()
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", MODULES[name], "--home", str(home)),
                    *("--socket", str(listener.fileno()), "--ready", str(write_end)),
                ],
                cwd=home,
                pass_fds=(listener.fileno(), write_end),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        os.close(write_end)
        write_end = -1
        try:
            yield Starting(name, process, read_end, log)
        except BaseException:
            process.kill()
            process.wait()
            raise
    finally:
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)


class Starting:
    """A process on its way up."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], ready: int, log: Path) -> None:
        self._name = name
        self._process = process
        self._ready = ready
        self._log = log

    def wait_ready(self) -> None:
        """Wait until it answers requests; LocalRuntimeError where it ended or took too long."""
        readable, _, _ = select.select([self._ready], [], [], START_SECONDS)
        if readable and os.read(self._ready, 16):
            # Reaps it when it ends, also in a notebook that goes on for days.
            threading.Thread(target=self._process.wait, daemon=True).start()
            return
        why = (
            last_lines(self._log, lines=1)
            if readable
            else f"it was not ready after {START_SECONDS:g} s"
        )
        raise LocalRuntimeError(
            f"the embedded runtime's {self._name} process did not start",
            why=why,
            hint=f"read {self._log}",
        )
