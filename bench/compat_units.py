"""Classes that our server and seldon-core's serve alike, so that what differs is the servers'."""

import numpy as np


class Echo:
    """Says back what it was given, and adds what a class may add."""

    def predict(self, X, names=None, meta=None):
        return X

    def transform_input(self, X, names=None, meta=None):
        return X * 2 if isinstance(X, np.ndarray) and X.dtype.kind in "if" else X

    def transform_output(self, X, names=None, meta=None):
        return X

    def route(self, X, names=None):
        return int(np.size(X)) % 3 - 1

    def aggregate(self, Xs, names_list=None):
        return Xs[0]

    def send_feedback(self, features, names, reward, truth, routing=None):
        return [[float(reward), -9 if routing is None else routing]]

    def tags(self):
        return {"own": 1, "list": [1, "a", None]}

    def metrics(self):
        return [{"key": "calls", "type": "COUNTER", "value": 1}]


class Told:
    """Tells what it was given, in words: kinds of arrays and names that an echo does not show."""

    def predict(self, X, names=None, meta=None):
        kind = f"{X.dtype.kind}{X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        return {"X": kind, "names": [str(name) for name in names or []], "meta": repr(meta)}

    def aggregate(self, Xs, names_list=None):
        return {"n": len(Xs), "names": [[str(name) for name in each or []] for each in names_list]}

    def send_feedback(self, features, names, reward, truth, routing=None):
        told = (np.shape(features), np.shape(truth), [str(name) for name in names], routing)
        return repr(told)


class Moody:
    """Answers by what the first number asks for: every kind of answer, and of failure."""

    def class_names(self):
        return ["first", "second"]

    def predict(self, X, names=None, meta=None):
        answers = (
            lambda: np.array([[1.5, 2.5]]),
            lambda: [[1, 2], [3, 4]],
            lambda: [1, 2, 3],
            lambda: np.array([["a", "b"]]),
            lambda: np.array([[1, "b"]], dtype=object),
            lambda: {"a": [1, {"b": None}]},
            lambda: "text",
            lambda: b"\x00\xff",
            lambda: None,
            lambda: 3.0,
            lambda: np.array([[True, False]]),
            lambda: np.float32([[0.1, 0.2]]),
            lambda: np.zeros((0, 2)),
            lambda: np.zeros((2, 0)),
            lambda: np.zeros((1, 2, 2)),
            lambda: np.array(5.0),
            list,
            lambda: ["a", "b"],
            lambda: (1, 2),
            lambda: 1 / 0,
            lambda: {}["missing"],
            lambda: {"nan": float("nan")},
            lambda: np.uint8([[1, 2]]),
            lambda: np.int64([[2**53 + 1, 2]]),
            lambda: np.datetime64("2020-01-01"),
            lambda: np.array([[1 + 2j]]),
            lambda: [[1], [2, 3]],
            lambda: [[np.nan, 1.0]],
            lambda: {"x": np.float64(1)},
            lambda: {"x": np.ones(2)},
            lambda: {1: 2},
        )
        return answers[int(abs(np.ravel(X)[0])) % len(answers)]()
