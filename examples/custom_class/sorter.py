"""How the flowers are served: a class, as Seldon's own Python server would take it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np


class Sorter:
    """Answers species, and says "unsure" where the model is not sure enough.

    model_uri: the folder with the model. least: how sure it has to be.
    """

    def __init__(self, model_uri: str, least: float = 0.5) -> None:
        self.path = Path(model_uri) / "artifact.pkl"
        self.least = least

    def load(self) -> None:
        """Read what ZenML stored; the unit is not ready before."""
        self.model = joblib.load(self.path)

    def predict(self, X: Any, names: list[str], meta: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002, N803
        """Answer one word per flower: rows of four lengths in centimetres."""
        shares = self.model.predict_proba(np.asarray(X, dtype=float))
        words = np.array(["setosa", "versicolor", "virginica"])[shares.argmax(axis=1)]
        return np.where(shares.max(axis=1) < self.least, "unsure", words).reshape(-1, 1)

    def class_names(self) -> list[str]:
        """The name of the one column."""
        return ["species"]
