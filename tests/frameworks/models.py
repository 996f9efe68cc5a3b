"""Tiny real models of every framework, saved in each form that people and ZenML save them in.

`train_xgboost().save("zenml", folder)` writes the folder as ZenML's materializer leaves it. Each
`train_*` imports its own framework, and skips the test where that is not installed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_iris

# Quiet and small: two cores are shared by everything that tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

Save = Callable[[Path], object]

FLOWERS, KINDS = load_iris(return_X_y=True)
# A row of each kind, and one between them; float32 is what every framework here takes.
ROWS: NDArray[np.float32] = FLOWERS[[0, 60, 75, 120]].astype(np.float32)


@dataclass(frozen=True)
class Trained:
    """A trained model: what it answers by its own library, and how it is saved.

    answers: method -> the library's own answer for ROWS.
    forms: name of a form -> writes it into an existing folder. `zenml` is what ZenML's
    materializer for the model's type writes.
    """

    model: Any
    answers: Mapping[str, NDArray[Any]]
    forms: Mapping[str, Save]

    def save(self, form: str, folder: Path) -> Path:
        """Write one form into a folder, which is made; returns the folder."""
        folder.mkdir(parents=True)
        with quiet():
            self.forms[form](folder)
        return folder


@contextmanager
def quiet() -> Iterator[None]:
    """Let libraries warn about themselves: they deprecate each other's and their own calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def library(name: str) -> Any:
    """Import a framework, or skip the test."""
    with quiet():
        return pytest.importorskip(name, reason=f"no {name}: pip install -e '.[frameworks]'")


def pickled(model: Any) -> Save:
    """Write as ZenML's materializer for anything does, which is scikit-learn's too."""

    def save(folder: Path) -> None:
        (folder / "artifact.pkl").write_bytes(cloudpickle.dumps(model))
        (folder / "python_version.txt").write_text("3.11.7")

    return save


def moved(save: Callable[[Path], object], written: str, name: str) -> Save:
    """Save under the name that tells the library which format, then give it another."""

    def run(folder: Path) -> None:
        save(folder / written)
        (folder / written).rename(folder / name)

    return run


@cache
def train_sklearn() -> Trained:
    """A logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000).fit(FLOWERS, KINDS)
    return Trained(
        model,
        {"predict": model.predict(ROWS), "predict_proba": model.predict_proba(ROWS)},
        {
            "zenml": pickled(model),
            "joblib": lambda folder: joblib.dump(model, folder / "model.joblib"),
            "pickle": lambda folder: (folder / "model.pkl").write_bytes(pickle.dumps(model)),
            "compressed": lambda folder: joblib.dump(model, folder / "iris.joblib", compress=3),
        },
    )


@cache
def train_xgboost() -> Trained:
    """A Booster of three classes; `predict` gives their probabilities."""
    xgboost = library("xgboost")
    told = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1}
    data = xgboost.DMatrix(FLOWERS, label=KINDS)
    model = xgboost.train(told, data, num_boost_round=4)

    def save(file: Path) -> None:
        model.save_model(file)

    return Trained(
        model,
        {"predict": model.predict(xgboost.DMatrix(ROWS))},
        {
            "zenml": lambda folder: save(folder / "model.json"),
            "ubj": lambda folder: save(folder / "model.ubj"),
            "bst": moved(save, "model.ubj", "model.bst"),
            "bst of json": moved(save, "model.json", "model.bst"),
            "json of another name": moved(save, "m.json", "iris.json"),
            "bin": moved(save, "model.ubj", "iris.bin"),
            "xgb": moved(save, "model.ubj", "model.xgb"),
            "pickle": pickled(model),
        },
    )


@cache
def train_xgboost_classifier() -> Trained:
    """The scikit-learn wrapper; ZenML pickles it."""
    xgboost = library("xgboost")
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1).fit(FLOWERS, KINDS)
    return Trained(
        model,
        {"predict": model.predict(ROWS), "predict_proba": model.predict_proba(ROWS)},
        {
            "zenml": pickled(model),
            "json": lambda folder: model.save_model(folder / "model.json"),
            "joblib": lambda folder: joblib.dump(model, folder / "model.joblib"),
        },
    )


@cache
def train_lightgbm() -> Trained:
    """A Booster of three classes; `predict` gives their probabilities."""
    lightgbm = library("lightgbm")
    told = {"objective": "multiclass", "num_class": 3, "num_leaves": 4, "verbose": -1}
    data = lightgbm.Dataset(FLOWERS, KINDS)
    model = lightgbm.train({**told, "num_threads": 1}, data, num_boost_round=4)
    return Trained(
        model,
        {"predict": model.predict(ROWS)},
        {
            "zenml": lambda folder: model.save_model(folder / "model.txt"),
            "another name": lambda folder: model.save_model(folder / "iris.lgb"),
            "bst": lambda folder: model.save_model(folder / "model.bst"),
            "pickle": pickled(model),
        },
    )


@cache
def train_lightgbm_classifier() -> Trained:
    """The scikit-learn wrapper; ZenML pickles it."""
    lightgbm = library("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=4, verbose=-1, n_jobs=1)
    # A frame's names would be asked for at prediction: arrays have none.
    model.fit(FLOWERS, KINDS)
    with quiet():
        answers = {"predict": model.predict(ROWS), "predict_proba": model.predict_proba(ROWS)}
    return Trained(model, answers, {"zenml": pickled(model)})


@cache
def train_catboost() -> Trained:
    """A classifier; ZenML has no materializer for it, so it pickles it."""
    catboost = library("catboost")
    model = catboost.CatBoostClassifier(
        iterations=4, depth=2, verbose=0, allow_writing_files=False, thread_count=1
    ).fit(FLOWERS, KINDS)
    return Trained(
        model,
        {"predict": model.predict(ROWS), "predict_proba": model.predict_proba(ROWS)},
        {
            "zenml": pickled(model),
            "cbm": lambda folder: model.save_model(str(folder / "model.cbm")),
            "another name": lambda folder: model.save_model(str(folder / "iris.cbm")),
            "json": lambda folder: model.save_model(str(folder / "model.json"), format="json"),
        },
    )


@cache
def train_pytorch() -> Trained:
    """Two layers; a whole module is code and weights, a state dict is weights alone."""
    torch = library("torch")
    torch.set_num_threads(1)
    torch.manual_seed(7)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3), torch.nn.Softmax(dim=1)
    ).eval()
    with torch.no_grad():
        answer = model(torch.from_numpy(ROWS)).numpy()

    def save_whole(folder: Path) -> None:
        for name, value in (("entire_model.pt", model), ("checkpoint.pt", model.state_dict())):
            torch.save(value, folder / name, pickle_module=cloudpickle)

    return Trained(
        model,
        {"predict": answer},
        {
            "zenml": save_whole,
            "torchscript": lambda folder: torch.jit.script(model).save(folder / "model.pt"),
            "traced": lambda folder: torch.jit.trace(model, torch.zeros(1, 4)).save(
                folder / "iris.pth"
            ),
            "export": lambda folder: (folder / "model.pt2").write_bytes(_exported()),
            "whole module": lambda folder: torch.save(model, folder / "model.pt"),
            "state dict": lambda folder: torch.save(model.state_dict(), folder / "model.pt"),
        },
    )


@cache
def _exported() -> bytes:
    """What torch.export writes, from a process of its own.

    In one that has loaded TensorFlow, LLVM ends them both.
    """
    with tempfile.TemporaryDirectory() as folder:
        code = "import sys, models; models.export_pytorch(sys.argv[1])"
        command = [sys.executable, "-c", code, folder]
        subprocess.run(command, cwd=Path(__file__).parent, check=True, timeout=120)
        return (Path(folder) / "model.pt2").read_bytes()


def export_pytorch(folder: str) -> None:
    """Write the model of `train_pytorch` as torch.export does, for batches of any size."""
    import torch

    # Two rows: one would be taken for a constant.
    rows, batch = torch.zeros(2, 4), torch.export.Dim("batch")
    exported = torch.export.export(train_pytorch().model, (rows,), dynamic_shapes=({0: batch},))
    torch.export.save(exported, Path(folder) / "model.pt2")


@cache
def train_onnx() -> Trained:
    """The two layers of `train_pytorch` as an ONNX graph: x (batch, 4) -> probabilities."""
    onnx, onnxruntime = library("onnx"), library("onnxruntime")
    random = np.random.default_rng(7)
    weights = {
        "w1": random.normal(size=(4, 8)),
        "b1": random.normal(size=8),
        "w2": random.normal(size=(8, 3)),
        "b2": random.normal(size=3),
    }
    node, value, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
        [
            node("Gemm", ["x", "w1", "b1"], ["hidden"]),
            node("Relu", ["hidden"], ["active"]),
            node("Gemm", ["active", "w2", "b2"], ["scores"]),
            node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "iris",
        [value("x", kind.FLOAT, ["batch", 4])],
        [value("probabilities", kind.FLOAT, ["batch", 3])],
        [
            onnx.numpy_helper.from_array(array.astype(np.float32), name)
            for name, array in weights.items()
        ],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 14)], producer_name="tests"
    )
    model.ir_version = 7
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    [answer] = session.run(None, {"x": ROWS})

    def save(file: Path) -> None:
        onnx.save(model, file)

    def repository(folder: Path) -> None:
        version = folder / "iris" / "1"
        version.mkdir(parents=True)
        save(version / "model.onnx")

    return Trained(
        model,
        {"predict": answer},
        {
            "onnx": lambda folder: save(folder / "model.onnx"),
            "another name": lambda folder: save(folder / "iris.onnx"),
            "triton": repository,
        },
    )


@cache
def train_keras() -> Trained:
    """One dense layer; Keras 3 on TensorFlow."""
    library("tensorflow")
    keras = library("keras")
    keras.utils.set_random_seed(7)
    with quiet():
        model = keras.Sequential(
            [keras.Input((4,), name="x"), keras.layers.Dense(3, activation="softmax", name="y")]
        )
        answer = np.asarray(model(ROWS))

    def export(folder: Path) -> None:
        model.export(str(folder), verbose=False)

    return Trained(
        model,
        {"predict": answer},
        {
            "zenml": lambda folder: model.save(folder / "model.keras"),
            "h5": lambda folder: model.save(folder / "model.h5"),
            "another name": lambda folder: model.save(folder / "iris.keras"),
            "pickle": pickled(model),
            "savedmodel": export,
            "version folder": lambda folder: export(folder / "1"),
        },
    )


@cache
def train_mlflow() -> Trained:
    """The model of `train_sklearn`, and others, as MLflow folders of several flavors."""
    library("mlflow")
    inner = train_sklearn()

    def of_sklearn(folder: Path) -> None:
        import mlflow.sklearn

        mlflow.sklearn.save_model(
            inner.model, str(folder), serialization_format="cloudpickle", pip_requirements=_pins()
        )

    def of_xgboost(folder: Path) -> None:
        import mlflow.xgboost

        mlflow.xgboost.save_model(
            train_xgboost_classifier().model, str(folder), pip_requirements=_pins("xgboost")
        )

    def of_lightgbm(folder: Path) -> None:
        import mlflow.lightgbm

        mlflow.lightgbm.save_model(
            train_lightgbm().model, str(folder), pip_requirements=_pins("lightgbm")
        )

    return Trained(
        inner.model,
        {"predict": inner.answers["predict"]},
        {"sklearn": of_sklearn, "xgboost": of_xgboost, "lightgbm": of_lightgbm},
    )


def _pins(*others: str) -> list[str]:
    """Requirements as MLflow infers them, without its starting a process to do so."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("scikit-learn", "cloudpickle", *others)]


# What a pipeline also stores and nothing can serve: name -> writes it into an existing folder.
def save_numpy(folder: Path) -> None:
    """As ZenML's materializer for arrays does."""
    np.save(folder / "data.npy", ROWS)


def save_pandas(folder: Path) -> None:
    """As ZenML's materializer for frames does, where there is no Parquet engine."""
    pandas = library("pandas")
    pandas.DataFrame(ROWS).to_csv(folder / "df.csv")


def save_value(folder: Path) -> None:
    """As ZenML's materializer for numbers and texts does."""
    (folder / "data.json").write_text("0.97")
