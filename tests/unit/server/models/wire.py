# ruff: noqa: N803 - arguments as users of Seldon name them
"""Classes that look at how they are called over gRPC."""

import time


class RawWire:
    """Answers whole messages, by protobuf's own, by a dict, and by none."""

    def predict_raw(self, message):
        message.strData = f"{type(message).__name__} {message.meta.puid}"
        return message

    def route_raw(self, message):
        return {"data": {"ndarray": [[1]]}, "status": {"code": 418, "status": "FAILURE"}}

    def aggregate_raw(self, messages):
        return None


class DoublesInPlace:
    def predict(self, X, names):
        X *= 2  # noqa: N806
        return X


class Described:
    def predict(self, X, names):
        return X

    def init_metadata(self):
        return {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]}


class Counted:
    """Says how many predictions were made, and takes a while for each."""

    def __init__(self):
        self.count = 0

    def predict(self, X, names):
        time.sleep(0.005)
        self.count += 1
        print(f"made {self.count}", flush=True)
        return X


class Waits:
    """Takes as long as it is told, and says that it was asked."""

    def predict(self, X, names):
        print(f"asked {X}", flush=True)
        time.sleep(float(X))
        return X
