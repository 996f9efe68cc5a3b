"""Logs that do not fill the disk: each in files of bounded size, as kubelet keeps them.

A process writes to its log's file itself, so that it lives on without control; the file cannot be
given another name under it. What it holds is copied and cut off its beginning instead: processes
append, and go on at the new end. Where a disk cannot cut there (Linux's ext4 and XFS can), the file
is cut to nothing, and what is written between the last byte copied and that moment is lost.
Source: kubelet's containerLogMaxSize, containerLogMaxFiles and containerLogMonitorInterval; Linux's
fallocate(2), FALLOC_FL_COLLAPSE_RANGE.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

LIMIT_BYTES = 10 << 20
# The current one among them.
FILES = 5
# The current run and the one before, which `logs --previous` asks for.
_RUNS = 2
_PERIOD_SECONDS = 10
_COPY_BYTES = 1 << 16
_COLLAPSE_RANGE = 0x08
# Held while files change their names and beginnings: who follows one sees it before or after.
_moving = threading.Lock()


async def keep_logs_small(home: Path) -> None:
    """Look after all logs of a home, until cancelled."""
    while True:
        await asyncio.sleep(_PERIOD_SECONDS)
        await asyncio.to_thread(_look_after, home)


def rotate(log: Path, *, limit_bytes: int = LIMIT_BYTES, files: int = FILES) -> bool:
    """Move what a log holds to `<log>.1`, and that to `.2`, where it is too large; says whether.

    The oldest goes. Raises OSError.
    """
    found = log.stat()
    if found.st_size <= limit_bytes:
        return False
    # Whole blocks can be cut off, but not all that there is.
    whole = (found.st_size - 1) // found.st_blksize * found.st_blksize
    arriving = log.with_name(f"{log.name}.arriving")
    with log.open("r+b", buffering=0) as current, arriving.open("wb") as copy:
        shutil.copymode(log, arriving)
        while data := current.read(min(_COPY_BYTES, whole - copy.tell())):
            copy.write(data)
        with _moving:
            if not (whole and _cut_off(current.fileno(), whole)):
                shutil.copyfileobj(current, copy)
                os.ftruncate(current.fileno(), 0)
            copy.close()
            for number in range(files - 1, 1, -1):
                if (younger := older(log, number - 1)).exists():
                    younger.replace(older(log, number))
            arriving.replace(older(log, 1))
    return True


def older(log: Path, number: int = 1) -> Path:
    """The file with what was moved away, 1 the last time."""
    return log.with_name(f"{log.name}.{number}")


class FollowedLog:
    """A log that is read while it grows, and goes on being read where it is moved meanwhile."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with _moving:
            # What a buffer holds may be cut off.
            self._file = log.open("rb", buffering=0)
            self._rotation = _last_rotation(log)

    def read_all(self) -> bytes:
        """What there is now."""
        with _moving:
            return self._file.read()

    def read(self) -> bytes:
        """Some of what was written since; nothing where nothing was."""
        with _moving:
            rotation = _last_rotation(self._log)
            if rotation != self._rotation:
                self._rotation = rotation
                with older(self._log).open("rb") as moved:
                    moved.seek(self._file.tell())
                    rest = moved.read()
                    size_bytes = os.fstat(moved.fileno()).st_size
                self._file.seek(max(0, self._file.tell() - size_bytes))
                if rest:
                    return rest
            return self._file.read(_COPY_BYTES)

    def close(self) -> None:
        """Read no more."""
        self._file.close()


def _last_rotation(log: Path) -> tuple[int, int] | None:
    """Something else after each rotation; None before the first."""
    try:
        found = older(log).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _cut_off(number: int, size_bytes: int) -> bool:
    """Take the first bytes of a file away from before the others; says whether that can be."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    start, length = ctypes.c_long(0), ctypes.c_long(size_bytes)
    return bool(library.fallocate(number, _COLLAPSE_RANGE, start, length) == 0)


def forget_runs(folder: Path) -> None:
    """Remove the logs of all but the last runs of a container: one that crashes has many."""
    runs = {int(each.stem): each for each in folder.glob("*.log") if each.stem.isdecimal()}
    for number in sorted(runs)[:-_RUNS]:
        for each in folder.glob(f"{number}.log*"):
            each.unlink(missing_ok=True)


def _look_after(home: Path) -> None:
    for container in home.glob("pods/*/logs/*"):
        forget_runs(container)
    for log in _logs(home):
        try:
            rotate(log)
        except FileNotFoundError:
            # Its pod is gone.
            continue
        except OSError as error:
            logger.warning("%s is not kept small: %s", log, error.strerror)


def _logs(home: Path) -> Iterator[Path]:
    yield from home.glob("pods/*/logs/*/*.log")
    yield from home.glob("logs/*.log")
