# ruff: noqa: N803 - arguments as users of Seldon name them
"""Units that are searched: one answers all alike, the other what it was given."""


class Sturdy:
    """Every failure of a request is the server's own."""

    def predict(self, X, names, meta=None):
        rows = len(X) if getattr(X, "ndim", 0) > 1 else 1
        return [[1.0]] * rows

    transform_input = transform_output = predict

    def route(self, X, names):
        return 0

    def aggregate(self, Xs, names_list):
        return [[1.0]]

    def send_feedback(self, features, names, reward, truth, routing=None):
        return None


class Echo:
    """What it is given goes back through the server, so both ways are searched."""

    def predict(self, X, names, meta=None):
        return X

    transform_input = transform_output = predict

    def route(self, X, names):
        return -1

    def aggregate(self, Xs, names_list):
        return Xs[-1]

    def send_feedback(self, features, names, reward, truth, routing=None):
        return truth
