"""How the tests end the servers that they started: in any case, whatever a server waits for."""

from __future__ import annotations

import subprocess

_PATIENCE_SECONDS = 20


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it where it does not."""
    process.terminate()
    await_end(process)


def await_end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has been told to end, and kill it where it does not."""
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
