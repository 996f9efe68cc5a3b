"""Loading a model first in a process that may end.

XGBoost, LightGBM and CatBoost are written in C++, and some damaged files end the process that
gives them such a file: by a segmentation fault or by abort, with nothing said that a user
understands. Their structure tells some of that beforehand (`artifacts.whole`); for the rest a
forked child loads the model, and only where it lives does the unit load it. That costs the time of
loading once more, and no memory afterwards.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ArtifactError

# Of these, called as in files that need them -> as people call them.
_NATIVE: Mapping[bytes, str] = {
    b"lightgbm": "LightGBM",
    b"xgboost": "XGBoost",
    b"catboost": "CatBoost",
}
# A child that takes longer tells nothing, and the unit loads the model without its word. In a
# process that has computed with OpenMP before, which no unit has, it would wait for ever.
_LEAST_SECONDS = 10.0
_BYTES_PER_SECOND = 2**20


def rehearse(load: Callable[[], object], path: Path, *, library: str, hint: str) -> None:
    """Call `load` in a child. Raises ArtifactError where a signal ends it.

    What `load` raises is of no interest here: the unit calls it again and tells. On systems other
    than Linux nothing is done, for what libraries started there does not survive a fork.
    """
    if sys.platform != "linux":
        return
    with warnings.catch_warnings():
        # Of threads: those of numpy's own libraries stand still and know how to be forked.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _run_and_end(load)
    ended_by = _wait(child, _LEAST_SECONDS + _size(path) / _BYTES_PER_SECOND)
    if ended_by is not None:
        raise ArtifactError(
            f"cannot read the model {path.name}",
            why=f"{library} ends the process over it ({_name(ended_by)}): the file is damaged or "
            "too large for the memory",
            hint=hint,
        )


def rehearse_where_needed(load: Callable[[], object], path: Path, *, hint: str) -> None:
    """`rehearse`, where a file, or one in a folder, names one of the libraries that end processes.

    For pickles and MLflow folders, that may hold a model of any library.
    """
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    found = next((native for each in files if (native := _named_in(each)) is not None), None)
    if found is not None:
        rehearse(load, path, library=found, hint=hint)


def _named_in(file: Path) -> str | None:
    if file.stat().st_size == 0:
        return None
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return next((title for name, title in _NATIVE.items() if held.find(name) >= 0), None)


def edge_rows(columns: int) -> Any:
    """Rows that take different ways through a tree: zeros, small, large and missing numbers."""
    import numpy as np

    large = np.finfo(np.float32).max / 2
    return np.array([[each] * columns for each in (0.0, -large, large, np.nan)])


def _run_and_end(load: Callable[[], object]) -> None:
    """The child's whole life: nothing of the unit's runs after it."""
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        # A terminal's Ctrl-C is for the unit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        load()
    finally:
        # Not by an exception, nor by exit: both would run what belongs to the unit.
        os._exit(0)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())


def _wait(child: int, longest_seconds: float) -> int | None:
    """The signal that ended a child; None where it ended by itself, or takes too long."""
    handle = os.pidfd_open(child)
    try:
        has_ended = bool(select.select([handle], [], [], longest_seconds)[0])
    finally:
        os.close(handle)
    if not has_ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if has_ended and os.WIFSIGNALED(status) else None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
