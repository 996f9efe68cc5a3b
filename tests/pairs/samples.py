"""One artifact or more for each server of the catalogue, in every way that files can lie.

What each sample says of itself (the format, how its files lie) is looked at where it is used, so it
cannot say what is not so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from frameworks import models
from frameworks.hugging_face import TEXTS, train_hugging_face
from frameworks.models import ROWS, Trained


class Layout(StrEnum):
    """How the files lie that a server is given."""

    FILE = "one file"
    FILES = "several files"
    FOLDERS = "folders in the folder"
    COPY = "a converted copy"


@dataclass(frozen=True)
class Sample:
    """An artifact that `server` serves.

    save: writes it into a folder that is made. format: as `artifacts` calls it.
    """

    server: str
    name: str
    format: str
    layout: Layout
    save: Callable[[Path], Path]

    @property
    def title(self) -> str:
        """Names it in a list of tests."""
        return f"{self.server.removesuffix('_SERVER')} {self.name}".lower().replace("_", " ")


@dataclass(frozen=True)
class Model(Sample):
    """A sample whose library is here, so that its own answers are known.

    seldon, v2: which of them each protocol gives, for what `given` gives. is_found: whether the
    embedded runtime takes this server without being told.
    """

    train: Callable[[], Trained]
    seldon: str = "predict"
    v2: str = "predict"
    is_found: bool = True
    given: Callable[[], Any] = lambda: ROWS


def _model(
    server: str,
    train: Callable[[], Trained],
    form: str,
    kind: str,
    layout: Layout,
    *,
    seldon: str = "predict",
    is_found: bool = True,
    given: Callable[[], Any] = lambda: ROWS,
) -> Model:
    def save(folder: Path) -> Path:
        return train().save(form, folder)

    name = f"{train.__name__.removeprefix('train_')} {form}"
    return Model(
        server, name, kind, layout, save,
        train=train, seldon=seldon, is_found=is_found, given=given,
    )  # fmt: skip


# Forms called `zenml` are what ZenML's materializers leave. Seldon's own servers answer a
# classifier's probabilities where it has them, MLServer its labels.
MODELS = (
    _model(
        "SKLEARN_SERVER", models.train_sklearn, "joblib", "pickle", Layout.FILE,
        seldon="predict_proba",
    ),
    _model(
        "OUR_SKLEARN_SERVER", models.train_xgboost_classifier, "joblib", "pickle", Layout.FILE,
        seldon="predict_proba",
    ),
    _model("XGBOOST_SERVER", models.train_xgboost, "bst of json", "json", Layout.FILE),
    _model(
        "OUR_XGBOOST_SERVER", models.train_xgboost, "zenml", "json", Layout.FILE, is_found=False
    ),
    _model(
        "OUR_XGBOOST_SERVER", models.train_xgboost, "ubj", "ubj", Layout.FILE, is_found=False
    ),
    _model("LIGHTGBM_SERVER", models.train_lightgbm, "zenml", "text", Layout.FILE),
    _model(
        "CATBOOST_SERVER", models.train_catboost, "cbm", "cbm", Layout.FILE, seldon="predict_proba"
    ),
    _model("PYTORCH_SERVER", models.train_pytorch, "torchscript", "torchscript", Layout.FILE),
    _model("PYTORCH_SERVER", models.train_pytorch, "export", "export", Layout.FILE),
    _model("ONNX_SERVER", models.train_onnx, "onnx", "onnx", Layout.FILE),
    _model("KERAS_SERVER", models.train_keras, "zenml", "keras", Layout.FILE),
    _model("KERAS_SERVER", models.train_keras, "h5", "h5", Layout.FILE),
    _model("MLFLOW_SERVER", models.train_mlflow, "sklearn", "mlflow", Layout.FILES),
    _model(
        "HUGGINGFACE_SERVER", train_hugging_face, "pretrained", "huggingface", Layout.FILES,
        given=lambda: TEXTS,
    ),
    _model(
        "OUR_HUGGINGFACE_SERVER", train_hugging_face, "pretrained", "huggingface", Layout.FILES,
        given=lambda: TEXTS, is_found=False,
    ),
    _model("KERAS_SERVER", models.train_keras, "savedmodel", "savedmodel", Layout.FOLDERS),
    _model(
        "TENSORFLOW_SERVER", models.train_keras, "version folder", "savedmodel", Layout.FOLDERS,
        is_found=False,
    ),
    _model("TRITON_SERVER", models.train_onnx, "triton", "triton", Layout.FOLDERS),
    _model(
        "SKLEARN_SERVER", models.train_sklearn, "zenml", "pickle", Layout.COPY,
        seldon="predict_proba",
    ),
    _model("XGBOOST_SERVER", models.train_xgboost, "bin", "ubj", Layout.COPY),
    _model(
        "OUR_SKLEARN_SERVER", models.train_xgboost_classifier, "zenml", "pickle", Layout.COPY,
        seldon="predict_proba",
    ),
    _model(
        "OUR_SKLEARN_SERVER", models.train_lightgbm_classifier, "zenml", "pickle", Layout.COPY,
        seldon="predict_proba",
    ),
    _model(
        "OUR_SKLEARN_SERVER", models.train_catboost, "zenml", "pickle", Layout.COPY,
        seldon="predict_proba",
    ),
    _model(
        "CATBOOST_SERVER", models.train_catboost, "json", "json", Layout.COPY,
        seldon="predict_proba",
    ),
)  # fmt: skip


def _save_tempo(folder: Path) -> Path:
    """As Tempo saves a pipeline: the class, and the environment that it runs in."""
    folder.mkdir(parents=True)
    (folder / "model.pickle").write_bytes(b"\x80\x04N.")
    (folder / "environment.tar.gz").write_bytes(b"\x1f\x8b")
    return folder


# Of servers that only their own images run; the files lie as these read them.
ELSEWHERE = (
    Sample("TEMPO_SERVER", "pipeline", "", Layout.FILES, _save_tempo),
)  # fmt: skip

SAMPLES: tuple[Sample, ...] = (*MODELS, *ELSEWHERE)
