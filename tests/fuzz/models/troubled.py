# ruff: noqa: N803 - arguments as users of Seldon name them
"""A unit whose methods go wrong in every way that its request asks for."""

import sys
import time

import numpy as np


class Troubled:
    def __init__(self):
        self.kept = []

    def predict(self, X, names, meta=None):
        if not isinstance(X, str):
            return X
        return getattr(self, f"_{X}")()

    def _raise(self):
        raise ValueError("the reason of the class")

    def _raise_nothing(self):
        raise RuntimeError

    def _raise_odd(self):
        raise ValueError("\ud800 \x00 " + "x" * 100_000)

    def _raise_what_cannot_be_told(self):
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError("not even this")

        raise Mute

    def _exit(self):
        sys.exit(3)

    def _interrupt(self):
        raise KeyboardInterrupt

    def _generator_exit(self):
        raise GeneratorExit

    def _stop_iteration(self):
        raise StopIteration("mine")

    def _recurse(self):
        return self._recurse()

    def _too_much_memory(self):
        return np.empty(2**60, dtype="uint8")

    def _none(self):
        return None

    def _scalar(self):
        return np.float64(3)

    def _object(self):
        return object()

    def _set(self):
        return {1, 2}

    def _circle(self):
        circle = []
        circle.append(circle)
        return {"a": circle}

    def _complex(self):
        return np.array([[1j]])

    def _dates(self):
        return np.array(["2020-01-01"], dtype="datetime64[D]")

    def _ragged(self):
        return [[1], [2, 3]]

    def _infinite(self):
        return np.array([[np.inf]])

    def _keys(self):
        return {(1, 2): 3}

    def _generator(self):
        return (number for number in range(3))

    def _leak(self):
        self.kept.append(bytearray(200_000))
        return "leaked"

    def _hang(self):
        time.sleep(3600)
