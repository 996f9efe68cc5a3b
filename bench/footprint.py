"""What model servers take of memory at rest, beside what the advice says they do. Linux only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from bench.measure import Row
from bench.running import Running, mlserver, ours_prepackaged, seldon_core
from seldon_deployer.manifest.advice import memory

_KIBIBYTES = 2**10
# The advice may be no more than is really taken, and not so little that it never speaks.
_LEAST = 0.6
_IMPORT = """
import {module}
print(open("/proc/self/smaps_rollup").read())
"""


def run() -> list[Row]:
    """Measure servers with a small model, and the libraries of those that have a large one."""
    servers: list[tuple[str, Callable[[], AbstractContextManager[Running]], int]] = [
        ("seldon-core's server", seldon_core, memory.SELDON_MEBIBYTES),
        ("MLServer", mlserver, memory.MLSERVER_MEBIBYTES),
        ("our server", ours_prepackaged, memory.OUR_MEBIBYTES),
    ]
    rows = [_row(name, _of_server(start), told) for name, start, told in servers]
    for module, told in (
        ("torch", memory.TORCH_MEBIBYTES),
        ("tensorflow", memory.TENSORFLOW_MEBIBYTES),
    ):
        rows.append(_row(f"importing {module}", _of_import(module), told))
    return rows


def _row(name: str, mebibytes: float, told: int) -> Row:
    return Row(
        f"{name}: memory at rest",
        f"{mebibytes:.0f} MiB",
        f"the advice: {told} MiB",
        aim=f"{_LEAST:.0%} to 100% of it",
        is_met=_LEAST * mebibytes <= told <= mebibytes,
    )


def _of_server(start: Callable[[], AbstractContextManager[Running]]) -> float:
    with start() as running:
        family = [psutil.Process(running.process.pid)]
        family += family[0].children(recursive=True)
        return sum(
            _anonymous(Path(f"/proc/{each.pid}/smaps_rollup").read_text()) for each in family
        )


def _of_import(module: str) -> float:
    code = _IMPORT.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return _anonymous(done.stdout)


def _anonymous(rollup: str) -> float:
    """MiB that no file backs: what is left when the kernel has taken back all it can."""
    [line] = [each for each in rollup.splitlines() if each.startswith("Pss_Anon:")]
    return int(line.split()[1]) / _KIBIBYTES
