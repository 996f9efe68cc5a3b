# ruff: noqa: N803 - arguments as users of Seldon name them
"""A unit that takes its time, a little each time another, and notes what it was asked."""

import time
from pathlib import Path


class Slow:
    def __init__(self, seen):
        self.seen = Path(seen)

    def predict(self, X, names, meta=None):
        # One write, so that several workers share the file.
        with self.seen.open("a") as notes:
            notes.write("".join(f"{int(number)}\n" for number in X.flat))
        time.sleep(0.002 + 0.003 * (int(X.flat[0]) % 3))
        return X
