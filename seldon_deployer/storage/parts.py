"""A large file in parts, which arrive side by side over links that break."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Protocol, TypeVar

from seldon_deployer.errors import StorageError, StorageUnreachable
from seldon_deployer.storage.store import OnBytes

# A break after which bytes came does not count: a link may break as often as it gets on.
_TRIES = 5
_FIRST_WAIT_SECONDS = 0.2
# Linux from 6.16 on looks for memory in one piece for what is written in one piece, which took up
# to ten times longer on ext4 than to write the same in pieces of this size.
WRITE_BYTES = 1 << 16

Result = TypeVar("Result")
Sink = Callable[[bytes], None]
# Gives the bytes from the first number to before the second, in order. Raises BrokenLink where
# trying again may help, StorageError where not.
ReadRange = Callable[[int, int, Sink], None]


class Digest(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a file from `start` on, `size_bytes` of them; numbers begin at 1."""

    number: int
    start: int
    size_bytes: int


class BrokenLink(Exception):
    """The bytes ended before their time; `failure` is what is told if they never come."""

    def __init__(self, failure: StorageError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Stopped(Exception):
    """Another part failed: this one has no use any more."""


def split(size_bytes: int, part_bytes: int) -> list[Part]:
    """Parts of `part_bytes`, the last as long as what is left; one empty part of an empty file."""
    starts = range(0, size_bytes, part_bytes) or [0]
    return [
        Part(number, start, min(part_bytes, size_bytes - start))
        for number, start in enumerate(starts, 1)
    ]


def fetch_part(
    read: ReadRange, target: Target, part: Part, on_bytes: OnBytes, digest: Digest | None = None
) -> None:
    """Write one part at its place in an open file, going on where a broken link left it.

    Raises StorageError when link after link breaks before a byte came.
    """
    done = 0

    def take(data: bytes) -> None:
        nonlocal done
        target.write(data, part.start + done)
        if digest is not None:
            digest.update(data)
        done += len(data)
        on_bytes(len(data))

    tries = 0
    while done < part.size_bytes:
        before = done
        try:
            read(part.start + done, part.start + part.size_bytes, take)
        except BrokenLink as error:
            tries = 1 if done > before else tries + 1
            if tries >= _TRIES:
                raise error.failure from error.__cause__
            _pause(tries)


def fetch_parts(
    executor: Executor,
    parts: Sequence[Part],
    fetch: Callable[[Part, OnBytes], Result],
    on_bytes: OnBytes,
) -> list[Result]:
    """Fetch the parts of a file side by side; gives what `fetch` makes of each, in their order.

    One part alone is fetched by whoever calls: many small files must not wait for each other.
    """
    if len(parts) == 1:
        return [fetch(parts[0], on_bytes)]
    stop = Event()
    count = stoppable(on_bytes, stop)
    return run_all(executor, [partial(fetch, part, count) for part in parts], stop)


def send_part(send: Callable[[], Result], count_sent: Callable[[], int]) -> Result:
    """Send something whose link may break, again and again while others of its kind get through.

    count_sent: how many did so far. Raises what `send` raises: StorageUnreachable after some tries.
    """
    tries, before = 0, count_sent()
    while True:
        try:
            return send()
        except StorageUnreachable:
            now = count_sent()
            tries, before = (1 if now > before else tries + 1), now
            if tries >= _TRIES:
                raise
        _pause(tries)


def run_all(executor: Executor, tasks: Iterable[Callable[[], Result]], stop: Event) -> list[Result]:
    """Run tasks side by side, and give their results in order.

    At the first failure `stop` is set and no further task begins; it is raised when those that run
    have ended.
    """
    futures = [executor.submit(task) for task in tasks]
    try:
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            error = future.exception() if future.done() else None
            if error is not None and not isinstance(error, Stopped):
                raise error
        return [future.result() for future in futures]
    except BaseException:
        stop.set()
        raise
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


def stoppable(on_bytes: OnBytes, stop: Event) -> OnBytes:
    """Count bytes until `stop` is set; then raise Stopped into whoever brings more."""

    def count(size_bytes: int) -> None:
        if stop.is_set():
            raise Stopped
        on_bytes(size_bytes)

    return count


class Target:
    """A new file, written at any place from several threads."""

    def __init__(self, number: int) -> None:
        self._number = number
        # The kernel writes one piece of a file at a time, and spins until it is a thread's turn.
        self._lock = Lock()

    def write(self, data: bytes, start: int) -> None:
        """Write all of some bytes from `start` on."""
        left = memoryview(data)
        with self._lock:
            while left:
                count = os.pwrite(self._number, left[:WRITE_BYTES], start)
                left, start = left[count:], start + count


@contextmanager
def open_target(path: Path) -> Iterator[Target]:
    """A new, empty file."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        yield Target(number)
    finally:
        os.close(number)


def _pause(tries: int) -> None:
    # Many parts break at once; they should not come back at once.
    time.sleep(_FIRST_WAIT_SECONDS * 2**tries * random.uniform(0.5, 1.0))  # noqa: S311
