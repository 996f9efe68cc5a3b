"""Trained models for tests, and ZenML's way of writing them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


@cache
def iris_model() -> LogisticRegression:
    return LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))


def write_zenml_artifact(folder: Path, value: Any) -> Path:
    """A folder as ZenML's cloudpickle materializer leaves it."""
    folder.mkdir(parents=True)
    (folder / "artifact.pkl").write_bytes(cloudpickle.dumps(value))
    (folder / "python_version.txt").write_text("3.11.7")
    return folder
