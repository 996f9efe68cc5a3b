# ruff: noqa: N803 - arguments as users of Seldon name them
"""Classes whose methods misbehave."""

import os
import threading

import numpy as np

CALLS = 0


class Hangs:
    """Waits for what never comes, where it is asked to."""

    def predict(self, X, names):
        if X == "hang":
            threading.Event().wait()
        return {"pid": os.getpid()}


class BlocksItsLoop:
    """Forgets to await, where it is asked to."""

    async def predict(self, X, names):
        if X == "hang":
            threading.Event().wait()
        return {"pid": os.getpid()}


class Raises:
    """Raises what strData names, with a cause of its own."""

    def predict(self, X, names):
        kind = {"key": KeyError("column"), "exit": SystemExit(3), "recursion": None}[X]
        if kind is None:
            return self.predict(X, names)
        try:
            raise OSError("the disk is full")
        except OSError as error:
            raise kind from error


class Returns:
    """Returns what strData names, and no answer can be."""

    def predict(self, X, names):
        return {
            "none": None,
            "number": np.float64(1),
            "generator": (value for value in [1]),
            "object": object(),
            "ragged": [[1, 2], [3]],
            "complex": np.array([[1j]]),
            "set": {"a": {1}},
            "keys": {(1, 2): 3},
            "deep": _nest(5000),
        }[X]

    def tags(self):
        return {"a": 1}


class Tells:
    """Whose tags, metrics and names are of the wrong kind."""

    def predict(self, X, names):
        return [[1.0]]

    def tags(self):
        return "not a dict"


class Prints:
    """Writes to what the server itself writes to, and closes it."""

    def predict(self, X, names):
        print("x" * 100_000, flush=True)
        os.close(1)
        return X


def _nest(depth):
    nested = []
    for _ in range(depth):
        nested = [nested]
    return {"a": nested}


class Leaks:
    """Keeps 32 MiB more with each call."""

    def __init__(self):
        self.kept = []

    def predict(self, X, names):
        self.kept.append(np.ones(4 << 20))
        return {"pid": os.getpid()}
