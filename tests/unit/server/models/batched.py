"""Classes that are served with their calls joined, queued, or cut short."""

# ruff: noqa: N803 - Seldon's own names

import asyncio
import threading
import time


class Joined:
    """Twice the rows, and in a second column how many rows the call had.

    A row of 666 fails the whole call; one of 1000 takes a while, so that others queue behind it.
    """

    max_batch_size = 8

    def predict(self, X, names):
        import numpy as np

        if (X == 1000).any():
            time.sleep(0.3)
        if (X == 666).any():
            raise RuntimeError("a bad row")
        return np.column_stack([X.sum(axis=1) * 2, np.full(len(X), len(X))])


class TellsMeta(Joined):
    """As above, of a class that reads meta: calls of different meta stay apart."""

    def predict(self, X, names, meta=None):
        return super().predict(X, names)


class Totals:
    """One number for all rows: this cannot be batched."""

    max_batch_size = 8

    def predict(self, X, names):
        if (X == 1000).any():
            time.sleep(0.3)
        return [float(X.sum())]


class Awaits:
    """Answers when as many are waiting together as are asked for: only where they overlap."""

    def __init__(self):
        self.met = 0
        self.all_there = asyncio.Event()

    async def predict(self, X, names):
        self.met += 1
        if self.met == int(X[0][0]):
            self.all_there.set()
        await self.all_there.wait()
        return [[self.met]]


class AwaitsJoined(Joined):
    """A method that awaits, joined."""

    async def predict(self, X, names):
        await asyncio.sleep(0.001)
        return Joined.predict(self, X, names)


class Holds:
    """Sleeps for as many seconds as the row says; `tags` tells who was called."""

    def __init__(self):
        self.calls = 0
        self.cancelled = 0

    def predict(self, X, names):
        self.calls += 1
        time.sleep(float(X[0][0]))
        return [[self.calls]]

    def tags(self):
        return {"thread": threading.current_thread().name}


class Computes:
    """Python that never rests."""

    def predict(self, X, names):
        end = time.perf_counter() + float(X[0][0])
        count = 0
        while time.perf_counter() < end:
            count += 1
        return [[count > 0]]


class AwaitsLong:
    """Tells by its next answer whether a call before was cancelled."""

    def __init__(self):
        self.cancelled = 0

    async def predict(self, X, names):
        try:
            await asyncio.sleep(float(X[0][0]))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [[self.cancelled]]


class Counts:
    """Counts what it is asked, in all three kinds, with a tag."""

    def predict(self, X, names):
        return X

    def metrics(self):
        return [
            {"type": "COUNTER", "key": "seen", "value": 2, "tags": {"kind": "a"}},
            {"type": "GAUGE", "key": "level", "value": 7},
            {"type": "TIMER", "key": "took", "value": 20.6},
        ]


class WhoAnswers:
    """The process that answers, after a moment; 13 ends it."""

    def predict(self, X, names):
        import os

        if X[0][0] == 13:
            os._exit(9)
        time.sleep(0.005)
        return [[os.getpid()]]
