"""The checksum of a file whose parts arrive in any order, taken while others still arrive."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock

from seldon_deployer.storage.parts import Part

# What fits into a processor's cache is read and summed there.
_READ_BYTES = 1 << 16


class ArrivingDigest:
    """Brings the bytes of parts into their order, from the file that they are written to.

    update: takes the next bytes. source: the descriptor of the file. The parts are numbered from 1
    on without a gap.
    """

    def __init__(self, update: Callable[[memoryview], object], source: int) -> None:
        self._update = update
        self._source = source
        self._arrived: dict[int, Part] = {}
        self._next = 1
        self._turn = Lock()
        self._buffer = memoryview(bytearray(_READ_BYTES))

    def add(self, part: Part) -> None:
        """Note that a part is there, and go on with those whose turn it is.

        One thread does that; others leave theirs to it, or to the next, and fetch.
        """
        self._arrived[part.number] = part
        if self._turn.acquire(blocking=False):
            try:
                self._go_on()
            finally:
                self._turn.release()

    def finish(self) -> None:
        """Take what is left, when all parts are there."""
        with self._turn:
            self._go_on()

    def _go_on(self) -> None:
        while (part := self._arrived.pop(self._next, None)) is not None:
            at, end = part.start, part.start + part.size_bytes
            while at < end:
                count = os.preadv(self._source, [self._buffer[: min(_READ_BYTES, end - at)]], at)
                if not count:
                    break
                self._update(self._buffer[:count])
                at += count
            self._next += 1
