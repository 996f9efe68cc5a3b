"""Units of the measurements of large tensors: what comes in goes out, or its sum does."""


class Echo:
    """Answers with what it was given."""

    def predict(self, X, names=None, meta=None):
        return X


class Total:
    """Answers with one number."""

    def predict(self, X, names=None, meta=None):
        return X.sum().reshape(1, 1)
