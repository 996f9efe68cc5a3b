"""Find or build the programs of the stores (see Makefile)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from ending import end

_HERE = Path(__file__).parent
_REQUIRE = "SELDON_DEPLOYER_REQUIRE_STORES"
_START_SECONDS = 30
# Before any test changed it: the registries are asked from the real home, through no proxy of ours.
_ENVIRONMENT = dict(os.environ)


def find_program(target: str, needs: tuple[str, ...]) -> Path:
    """What a target of the Makefile makes; skips where it cannot be made, in CI fails."""
    missing = [name for name in (*needs, "make") if shutil.which(name) is None]
    if missing:
        _miss(f"no {target} server: install {', '.join(missing)}")
    made = subprocess.run(
        ["make", "-s", "-C", _HERE, target],
        capture_output=True,
        text=True,
        check=False,
        env=_ENVIRONMENT,
    )
    if made.returncode:
        # Too old a Go or Node, or no way to their registries: for a user no reason to fail.
        _miss(f"no {target} server: it cannot be made here:\n{made.stderr}")
    return Path(made.stdout.strip())


def find_rclone() -> str:
    """rclone; skips where there is none, in CI fails."""
    path = shutil.which("rclone")
    if path is None:
        _miss("rclone is not installed (apt-get install rclone)")
    return str(path)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def run_server(
    command: list[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the end of the block; it is ready when it takes connections."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
        try:
            _wait_ready(process, port, log)
            yield
        finally:
            end(process)


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = monotonic() + _START_SECONDS
    while monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            sleep(0.05)
    last = log.read_text(errors="replace").splitlines()[-5:]
    raise RuntimeError(f"{process.args!r} did not start: " + "\n".join(last))


def _miss(reason: str) -> None:
    if os.environ.get(_REQUIRE, "") not in ("", "0"):
        pytest.fail(reason)
    pytest.skip(reason)
