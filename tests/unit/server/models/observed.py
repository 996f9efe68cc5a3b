# ruff: noqa: N803 - arguments as users of Seldon name them
"""The classes behind the exchanges that were recorded with Seldon's own wrapper."""

import numpy as np


class Everything:
    def predict(self, X, names, meta=None):
        return X

    def transform_input(self, X, names, meta=None):
        return X * 2 if hasattr(X, "dtype") else X

    def transform_output(self, X, names, meta=None):
        return X * 3 if hasattr(X, "dtype") else X

    def route(self, X, names, meta=None):
        asked = int(X.flat[0]) if hasattr(X, "flat") and X.size else 0
        answers = {11: 1, 12: -1, 13: -2, 14: "1", 15: 1.0, 16: np.int64(2), 17: None, 18: True}
        return answers.get(asked, 0)

    def aggregate(self, Xs, names_list):
        return Xs[0] if isinstance(Xs[0], (str, bytes, dict)) else np.mean(Xs, axis=0)

    def send_feedback(self, features, names, reward, truth, routing=None):
        return [[float(reward), -9 if routing is None else routing]]

    def tags(self):
        return {"own": 1}

    def metrics(self):
        return [{"key": "k", "type": "GAUGE", "value": 2}]

    def class_names(self):
        return ["c0", "c1"]


class OnlyPredict:
    def predict(self, X, names, meta=None):
        return X


class Plain:
    def predict(self, X, names):
        return X

    def transform_input(self, X, names):
        return X + 1

    def route(self, X, names):
        return 1

    def aggregate(self, Xs, names):
        return Xs[1]


class Boom:
    def route(self, X, names):
        raise ValueError("no way")

    def aggregate(self, Xs, names):
        raise ValueError("no sum")

    def send_feedback(self, features, names, reward, truth, routing=None):
        raise ValueError("no thanks")


class Raw:
    def transform_input_raw(self, message):
        return {"strData": "raw", "saw": sorted(message)}

    def route_raw(self, message):
        return {"data": {"ndarray": [[1]]}}

    def aggregate_raw(self, messages):
        count = len(messages) if isinstance(messages, list) else sorted(messages)
        return {"strData": "agg", "kind": type(messages).__name__, "n": count}


class Silent:
    def route(self, X, names):
        return 1

    def send_feedback(self, features, names, reward, truth, routing=None):
        return None


class Says(OnlyPredict):
    def send_feedback(self, features, names, reward, truth, routing=None):
        given = {"features": features, "reward": reward, "truth": truth, "routing": routing}
        return {name: repr(value) for name, value in given.items()} | {"names": list(names)}

    def metrics(self):
        counter = {"key": "c", "type": "COUNTER", "value": 1}
        return [counter, {"key": "t", "type": "TIMER", "value": 1.5}]

    def tags(self):
        return {"b": True, "s": "x", "l": [1, "a"], "n": None, "d": {"k": 1}}

    def class_names(self):
        return []


class Counts:
    def transform_input(self, X, names):
        return {"names": list(names), "kind": type(X).__name__}

    def aggregate(self, Xs, names_list):
        kinds = [type(value).__name__ for value in Xs]
        return {"kinds": kinds, "names": [list(names) for names in names_list]}

    def send_feedback(self, features, names, reward, truth, routing=None):
        return "thanks"


class Given:
    """Answers with what it was given, and of several with the first."""

    def predict(self, X, names, meta=None):
        return X

    def aggregate(self, Xs, names_list):
        return Xs[0]


class OnlyOutput:
    def transform_output(self, X, names, meta=None):
        return X * 3


class SeldonNotImplementedError(Exception):
    """Of the name and shape of Seldon's own."""

    status_code = 400
    reason = "MICROSERVICE_BAD_DATA"


def _missing(self, *given, **named):
    raise SeldonNotImplementedError("it is not implemented")


class Derived:
    """As a class that derives from Seldon's SeldonComponent and adds one method of its own."""

    transform_input = transform_output = aggregate = send_feedback = _missing
    tags = metrics = class_names = init_metadata = health_status = _missing
    predict_raw = transform_input_raw = aggregate_raw = send_feedback_raw = predict = _missing

    def route(self, X, names):
        return 1


class Answer:
    """As Seldon's SeldonResponse."""

    def __init__(self, data, tags=None, metrics=None):
        self.data, self.tags, self.metrics = data, tags or {}, metrics or []


class Tells:
    """Says things of each answer, beside what it says of all."""

    def predict(self, X, names, meta=None):
        if isinstance(X, str):
            return Answer(X, metrics=[{"key": "bad"}])
        counter = {"key": "rows", "type": "COUNTER", "value": len(X)}
        return Answer(X, tags={"of": "answer", "rows": len(X)}, metrics=[counter])

    def tags(self):
        return {"of": "class"}

    def metrics(self):
        return [{"key": "k", "type": "GAUGE", "value": 2}]


class Older:
    """With the names that methods for whole messages had before."""

    def predict_rest(self, message):
        return {"strData": "rest"}

    def predict_raw(self, message):
        return {"strData": "raw"}


class Sturdy:
    """Answers all requests alike."""

    def predict(self, X, names, meta=None):
        return [[1.0]]

    transform_input = transform_output = predict

    def route(self, X, names):
        return 0

    def aggregate(self, Xs, names_list):
        return [[1.0]]

    def send_feedback(self, features, names, reward, truth, routing=None):
        return None


class FlaskUser(OnlyPredict):
    def custom_service(self):
        raise RuntimeError("a process of its own")


class Answers:
    """Answers with what strData asks for, with names for columns that not all of them have."""

    def predict(self, X, names, meta=None):
        return {
            "nan": np.array([[float("nan"), 1.0]]),
            "inf": [[float("inf"), -float("inf")]],
            "bytearray": bytearray(b"\x00\xff"),
            "flat": np.array([1.0, 2.0]),
            "empty": [],
            "nested": [[[1, 2]], [[3, 4]]],
            "dictnan": {"a": float("nan"), "b": [1, None]},
            "words": [["é", 1]],
        }[X]

    def route(self, X, names, meta=None):
        counter = {"key": "chosen", "type": "COUNTER", "value": 1}
        return Answer(1, tags={"why": "rule"}, metrics=[counter])

    def class_names(self):
        return ["c0", "c1"]

    def health_status(self):
        return [1, 2]


class RawTells:
    """Answers whole messages, with metrics in them."""

    def predict_raw(self, message):
        counter = {"key": "raw", "type": "COUNTER", "value": 2, "tags": {"kind": "a"}}
        return {"strData": "raw", "meta": {"metrics": [counter]}}

    def health_status_raw(self):
        return {"strData": "raw health"}


class RawBytes:
    """Answers whatever it is sent."""

    def predict_raw(self, given):
        if given == b"none":
            return None
        if given == b"dict":
            return {"strData": "a message", "status": {"code": 418}}
        if isinstance(given, dict):
            return {"strData": "a form"}
        return given[::-1]


class RawLacking(OnlyPredict):
    """As a class that derives from Seldon's SeldonComponent."""

    predict_raw = _missing
