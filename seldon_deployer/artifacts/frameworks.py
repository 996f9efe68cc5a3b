"""The frameworks that models come from, as data: how they are called, and whose packages."""

from __future__ import annotations

from collections.abc import Mapping

# framework -> how people call it.
TITLES: Mapping[str, str] = {
    "catboost": "CatBoost",
    "huggingface": "Hugging Face",
    "keras": "Keras",
    "lightgbm": "LightGBM",
    "mlflow": "MLflow",
    "onnx": "ONNX",
    "pytorch": "PyTorch",
    "sklearn": "scikit-learn",
    "tensorflow": "TensorFlow",
    "triton": "Triton",
    "xgboost": "XGBoost",
}

_PACKAGES: Mapping[str, str] = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "lightning": "pytorch",
    "onnx": "onnx",
    "pytorch_lightning": "pytorch",
    "sklearn": "sklearn",
    "tensorflow": "keras",
    "tf_keras": "keras",
    "torch": "pytorch",
    "transformers": "huggingface",
    "xgboost": "xgboost",
}

# framework -> the distributions whose versions decide whether a model of it can be read.
DISTRIBUTIONS: Mapping[str, frozenset[str]] = {
    "catboost": frozenset({"catboost", "numpy"}),
    "keras": frozenset({"keras", "tensorflow"}),
    "lightgbm": frozenset({"lightgbm", "numpy"}),
    "onnx": frozenset({"onnx", "onnxruntime"}),
    "pytorch": frozenset({"torch"}),
    "sklearn": frozenset({"scikit-learn", "numpy"}),
    "tensorflow": frozenset({"keras", "tensorflow"}),
    "xgboost": frozenset({"xgboost", "numpy"}),
}

# Classes whose `predict` takes no plain rows: what else these libraries pickle predicts as
# scikit-learn's own do.
BOOSTERS = frozenset({"xgboost.core.Booster"})

# Packages whose objects are data: dotted beginning -> what it is.
_DATA: Mapping[str, str] = {
    "numpy": "a numpy array",
    "pandas": "a pandas frame",
    "polars": "a polars frame",
    "scipy": "a scipy matrix",
    "PIL": "an image",
    "datasets": "a data set",
    "xgboost.core.DMatrix": "XGBoost training data",
    "lightgbm.basic.Dataset": "LightGBM training data",
    "torch.utils.data": "a PyTorch data loader",
    "tensorflow.python.data": "a TensorFlow data set",
}


def framework_of(dotted: str) -> str | None:
    """The framework that a class comes from, by its dotted name; None for any other."""
    if data_of(dotted):
        return None
    return _PACKAGES.get(dotted.partition(".")[0])


def data_of(dotted: str) -> str | None:
    """What kind of data a class holds; None where it may be a model."""
    for beginning, kind in _DATA.items():
        if dotted == beginning or dotted.startswith(f"{beginning}."):
            return kind
    return None


def title(framework: str) -> str:
    """How people call a framework."""
    return TITLES.get(framework, framework)
