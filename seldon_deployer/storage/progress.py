"""How far a transfer is: as numbers for whoever asks, as a bar for whoever looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

# Gets the bytes so far and the bytes in all, in order, from one thread at a time.
Progress = Callable[[int, int], None]


def ignore_progress(done_bytes: int, total_bytes: int) -> None:
    """Nobody looks."""


class Total:
    """The sum over the threads of one transfer."""

    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self._progress = progress
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._lock = Lock()

    def add(self, size_bytes: int) -> None:
        """Count bytes that arrived, and tell."""
        with self._lock:
            self._done_bytes += size_bytes
            self._progress(self._done_bytes, self._total_bytes)


@contextmanager
def show_progress(label: str) -> Iterator[Progress]:
    """A bar on standard error while the block runs; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Bar(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
