# ruff: noqa: N803, RUF012 - names and attributes as users of scikit-learn write them
"""Classes as users write them."""

import os
import sys
import threading
import time


class Echo:
    """Answers with what it was given."""

    def predict(self, X, names, meta=None):
        return X


class Observed:
    """The model behind the recorded exchanges with Seldon's own wrapper."""

    def predict(self, X, names, meta=None):
        import numpy as np

        if getattr(X, "shape", (0, 0))[-1:] == (3,):
            raise ValueError("X has 3 features, but expecting 4 features as input")
        if getattr(X, "shape", (0, 0))[-1:] == (2,):
            raise Teapot("two features")
        return np.array([[0.1, 0.2, 0.7]])

    def tags(self):
        return {"t": 1}

    def metrics(self):
        return [{"type": "COUNTER", "key": "mycounter", "value": 1}]

    def init_metadata(self):
        inputs = [{"messagetype": "ndarray", "schema": {"shape": [4]}}]
        return {"name": "m", "versions": ["v1"], "platform": "sk", "inputs": inputs}


class Teapot(Exception):
    """Of the shape of Seldon's SeldonMicroserviceException."""

    status_code = 418
    reason = "TEAPOT"

    def __init__(self, message):
        super().__init__(message)
        self.message = message


class Parametrised:
    def __init__(self, count, rate, name, flag):
        self.given = {"count": count, "rate": rate, "name": name, "flag": flag}

    def predict(self, X, names):
        return self.given


class Returns:
    """Answers with what strData asks for."""

    def predict(self, X, names):
        import numpy as np

        return {
            "none": None,
            "scalar": 3.0,
            "text": "hello",
            "bytes": b"hello",
            "dict": {"a": [1, 2]},
            "list": [1, 2, 3],
            "words": np.array([["a", "b"]]),
            "nan": np.array([[float("nan"), 1.0]]),
            "inf": np.array([[float("inf"), 1.0]]),
            "big": np.array([[2**63]], dtype="uint64"),
        }[X]


class Named:
    class_names = ["setosa", "versicolor"]

    def predict(self, X, names):
        return [[0.5, 0.5]]


class OnlyX:
    def predict(self, X):
        return X


class KeywordMeta:
    def predict(self, X, names, *, meta):
        return {"meta": meta, "names": names}


class CountsCalls:
    """A TypeError inside predict must not make the server call it again."""

    calls = 0

    def predict(self, X, names, meta=None):
        CountsCalls.calls += 1
        if X == "count":
            return {"calls": CountsCalls.calls}
        return len(None)


class Raw:
    def predict_raw(self, message):
        return {"strData": "teapot", "status": {"code": 418}, "seen": sorted(message)}


class SeldonNotImplementedError(Exception):
    """Of the name of Seldon's own."""


class InheritsRaw:
    """As a class derived from SeldonComponent: methods that say that they are not there."""

    def predict(self, X, names):
        return X

    def route(self, X, names):
        return 0

    def predict_raw(self, message):
        raise SeldonNotImplementedError("predict_raw is not implemented")

    route_raw = predict_raw


class Slow:
    """Takes as long as it is told, and says how many predictions ran at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = self.most = 0

    def predict(self, X, names):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        print("at work", flush=True)
        time.sleep(float(X))
        with self.lock:
            self.now -= 1
        return {"most": self.most}


class BadMetric:
    def predict(self, X, names):
        return X

    def metrics(self):
        return [{"key": "a"}]


class LeavesInLoad:
    def load(self):
        sys.exit(3)

    def predict(self, X, names):
        return X


class Environment:
    """Answers with a variable of the process, as it was when the class was loaded."""

    def load(self):
        self.variables = dict(os.environ)

    def predict(self, X, names):
        return self.variables[X]


class Leaves:
    def predict(self, X, names):
        sys.exit("wrong usage")


class FailsToLoad:
    def load(self):
        raise RuntimeError("the weights are gone")

    def predict(self, X, names):
        return X


class NothingToServe:
    pass


class Unwell:
    def predict(self, X, names):
        return X

    def health_status(self):
        raise RuntimeError("no connection to the feature store")


class ChoosesStatus:
    def predict(self, X, names):
        from seldon_deployer.server import UnitError

        raise UnitError("too many rows", 422, "TOO_MANY")
