"""The model of the measurements as a unit: the same class behind our server and seldon-core's."""


class Iris:
    """Probabilities of iris flowers, by a logistic regression."""

    def load(self):
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression

        self.model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))

    def predict(self, X, names=None, meta=None):
        return self.model.predict_proba(X)
