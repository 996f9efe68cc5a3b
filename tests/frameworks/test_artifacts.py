"""What real frameworks write: found, read for its versions, and laid out for its server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from frameworks import models
from frameworks.models import ROWS, Trained, quiet

from seldon_deployer.artifacts.detect import detect
from seldon_deployer.artifacts.layout import Prepared, list_files, prepare
from seldon_deployer.errors import ArtifactError

Train = Callable[[], Trained]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in list_files(folder)}


# framework, form, protocol -> implementation, the served files of which one is the model's.
SEEN: list[tuple[Train, str, str, str, str]] = [
    (models.train_sklearn, "zenml", "seldon", "SKLEARN_SERVER", "model.joblib"),
    (models.train_sklearn, "joblib", "v2", "SKLEARN_SERVER", "model.joblib"),
    (models.train_sklearn, "pickle", "seldon", "SKLEARN_SERVER", "model.joblib"),
    (models.train_sklearn, "pickle", "v2", "SKLEARN_SERVER", "model.pkl"),
    (models.train_xgboost, "zenml", "seldon", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost, "zenml", "v2", "XGBOOST_SERVER", "model.json"),
    (models.train_xgboost, "ubj", "seldon", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost, "ubj", "v2", "XGBOOST_SERVER", "model.ubj"),
    (models.train_xgboost, "bst", "seldon", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost, "bst of json", "v2", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost, "json of another name", "v2", "XGBOOST_SERVER", "model.json"),
    (models.train_xgboost, "bin", "v2", "XGBOOST_SERVER", "model.ubj"),
    (models.train_xgboost, "xgb", "seldon", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost, "pickle", "seldon", "XGBOOST_SERVER", "model.bst"),
    (models.train_xgboost_classifier, "zenml", "seldon", "OUR_SKLEARN_SERVER", "model.joblib"),
    (models.train_xgboost_classifier, "joblib", "v2", "OUR_SKLEARN_SERVER", "model.joblib"),
    (models.train_xgboost_classifier, "json", "v2", "XGBOOST_SERVER", "model.json"),
    (models.train_lightgbm, "zenml", "seldon", "LIGHTGBM_SERVER", "model.txt"),
    (models.train_lightgbm, "another name", "v2", "LIGHTGBM_SERVER", "model.txt"),
    (models.train_lightgbm, "bst", "seldon", "LIGHTGBM_SERVER", "model.txt"),
    (models.train_lightgbm, "pickle", "seldon", "OUR_SKLEARN_SERVER", "model.joblib"),
    (models.train_lightgbm_classifier, "zenml", "v2", "OUR_SKLEARN_SERVER", "model.joblib"),
    (models.train_catboost, "zenml", "seldon", "OUR_SKLEARN_SERVER", "model.joblib"),
    (models.train_catboost, "cbm", "v2", "CATBOOST_SERVER", "model.cbm"),
    (models.train_catboost, "another name", "seldon", "CATBOOST_SERVER", "model.cbm"),
    (models.train_catboost, "json", "seldon", "CATBOOST_SERVER", "model.cbm"),
    (models.train_pytorch, "zenml", "seldon", "PYTORCH_SERVER", "model.pt"),
    (models.train_pytorch, "whole module", "v2", "PYTORCH_SERVER", "model.pt"),
    (models.train_pytorch, "torchscript", "seldon", "PYTORCH_SERVER", "model.pt"),
    (models.train_pytorch, "traced", "v2", "PYTORCH_SERVER", "model.pt"),
    (models.train_pytorch, "export", "seldon", "PYTORCH_SERVER", "model.pt2"),
    (models.train_onnx, "onnx", "seldon", "ONNX_SERVER", "model.onnx"),
    (models.train_onnx, "another name", "v2", "ONNX_SERVER", "model.onnx"),
    (models.train_onnx, "triton", "v2", "TRITON_SERVER", "iris/1/model.onnx"),
    (models.train_keras, "zenml", "seldon", "KERAS_SERVER", "model.keras"),
    (models.train_keras, "another name", "v2", "KERAS_SERVER", "model.keras"),
    (models.train_keras, "h5", "seldon", "KERAS_SERVER", "model.h5"),
    (models.train_keras, "savedmodel", "v2", "KERAS_SERVER", "saved_model.pb"),
    (models.train_keras, "pickle", "seldon", "KERAS_SERVER", "model.keras"),
    (models.train_keras, "pickle", "v2", "KERAS_SERVER", "model.keras"),
    (models.train_keras, "version folder", "seldon", "KERAS_SERVER", "1/saved_model.pb"),
    (models.train_mlflow, "sklearn", "seldon", "MLFLOW_SERVER", "MLmodel"),
    (models.train_mlflow, "xgboost", "v2", "MLFLOW_SERVER", "MLmodel"),
    (models.train_mlflow, "lightgbm", "v2", "MLFLOW_SERVER", "MLmodel"),
]


def name_of(value: object) -> str:
    return getattr(value, "__name__", str(value)).removeprefix("train_")


@pytest.mark.parametrize(("train", "form", "protocol", "server", "file"), SEEN, ids=name_of)
def test_every_form_reaches_the_layout_of_its_server(
    tmp_path: Path, train: Train, form: str, protocol: str, server: str, file: str
) -> None:
    artifact = train().save(form, tmp_path / "artifact")
    before = snapshot(artifact)

    prepared = prepare(artifact, protocol=protocol, is_own=True)

    assert (prepared.implementation, file in list_files(prepared.path)) == (server, True)
    assert snapshot(artifact) == before
    if prepared.path != artifact:
        assert prepared.path.parent == tmp_path / "artifact.seldon-deployer"
        assert prepared.path.name == prepared.fingerprint[:16]
    # The copy is what its server reads: nothing is left to do to it.
    again = detect(
        list_files(prepared.path),
        protocol=protocol,
        implementation=server,
        read=lambda name, limit_bytes: (prepared.path / name).read_bytes()[:limit_bytes],
    )
    assert again.fits
    assert prepare(artifact, protocol=protocol, is_own=True) == prepared


VERSIONS: list[tuple[Train, str, str, str]] = [
    (models.train_sklearn, "zenml", "sklearn", "scikit-learn"),
    (models.train_xgboost, "zenml", "xgboost", "xgboost"),
    (models.train_xgboost, "ubj", "xgboost", "xgboost"),
    (models.train_catboost, "cbm", "catboost", "catboost"),
    (models.train_catboost, "json", "catboost", "catboost"),
    (models.train_pytorch, "export", "torch", "torch"),
    (models.train_keras, "zenml", "keras", "keras"),
    (models.train_keras, "savedmodel", "tensorflow", "tensorflow"),
    (models.train_mlflow, "xgboost", "xgboost", "xgboost"),
]


@pytest.mark.parametrize(("train", "form", "module", "library"), VERSIONS, ids=name_of)
def test_a_model_tells_the_version_of_its_library(
    tmp_path: Path, train: Train, form: str, module: str, library: str
) -> None:
    artifact = train().save(form, tmp_path / "artifact")

    prepared = prepare(artifact, is_own=True)

    assert prepared.trained_with[library] == models.library(module).__version__


def test_an_onnx_model_tells_its_operators(tmp_path: Path) -> None:
    artifact = models.train_onnx().save("onnx", tmp_path / "artifact")

    assert prepare(artifact).trained_with == {"onnx opset": "14", "onnx ir": "7"}


def test_a_lightgbm_model_tells_its_major_version(tmp_path: Path) -> None:
    artifact = models.train_lightgbm().save("zenml", tmp_path / "artifact")

    told = prepare(artifact).trained_with["lightgbm"]
    assert told == models.library("lightgbm").__version__.partition(".")[0]


@pytest.mark.parametrize(
    ("save", "kind"),
    [
        (models.save_numpy, "a numpy array"),
        (models.save_pandas, "a pandas frame"),
        (models.save_value, "a plain value"),
    ],
)
def test_stored_data_is_called_by_its_name(
    tmp_path: Path, save: Callable[[Path], None], kind: str
) -> None:
    save(tmp_path)

    with pytest.raises(ArtifactError, match=f"is {kind}, no model"):
        prepare(tmp_path)


def test_weights_alone_are_refused_with_what_to_save(tmp_path: Path) -> None:
    artifact = models.train_pytorch().save("state dict", tmp_path / "artifact")

    with pytest.raises(ArtifactError, match=r"weights without the code.*torch\.export"):
        prepare(artifact, is_own=True)


@pytest.mark.parametrize(
    ("train", "form", "implementation"),
    [
        (models.train_pytorch, "zenml", None),
        (models.train_xgboost, "pickle", None),
        (models.train_xgboost_classifier, "zenml", "XGBOOST_SERVER"),
        (models.train_lightgbm_classifier, "zenml", "LIGHTGBM_SERVER"),
        (models.train_catboost, "zenml", "CATBOOST_SERVER"),
        (models.train_keras, "pickle", None),
        (models.train_keras, "pickle", "TENSORFLOW_SERVER"),
    ],
    ids=name_of,
)
def test_a_pickle_of_others_is_never_loaded(
    tmp_path: Path, train: Train, form: str, implementation: str | None
) -> None:
    artifact = train().save(form, tmp_path / "artifact")

    with pytest.raises(ArtifactError, match="not known to be your own"):
        prepare(artifact, implementation=implementation)

    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def served(artifact: Path, implementation: str | None = None, protocol: str = "seldon") -> Prepared:
    return prepare(artifact, implementation=implementation, protocol=protocol, is_own=True)


@pytest.mark.parametrize(
    ("train", "form", "protocol", "file"),
    [
        (models.train_xgboost, "pickle", "seldon", "model.bst"),
        (models.train_xgboost, "pickle", "v2", "model.json"),
        (models.train_xgboost_classifier, "zenml", "seldon", "model.bst"),
    ],
    ids=name_of,
)
def test_a_pickled_booster_predicts_the_same_from_its_file(
    tmp_path: Path, train: Train, form: str, protocol: str, file: str
) -> None:
    xgboost = models.library("xgboost")
    trained = train()
    artifact = trained.save(form, tmp_path / "artifact")

    prepared = served(artifact, "XGBOOST_SERVER", protocol)

    with quiet():
        booster = xgboost.Booster(model_file=prepared.path / file)
    expected = trained.answers.get("predict_proba", trained.answers["predict"])
    assert np.allclose(booster.predict(xgboost.DMatrix(ROWS)), expected)


def test_a_pickled_lightgbm_model_predicts_the_same_from_its_text(tmp_path: Path) -> None:
    lightgbm = models.library("lightgbm")
    trained = models.train_lightgbm_classifier()
    artifact = trained.save("zenml", tmp_path / "artifact")

    prepared = served(artifact, "LIGHTGBM_SERVER")

    booster = lightgbm.Booster(model_file=prepared.path / "model.txt")
    assert np.allclose(booster.predict(ROWS), trained.answers["predict_proba"])


@pytest.mark.parametrize("form", ["zenml", "json"])
def test_a_catboost_model_predicts_the_same_from_its_own_format(tmp_path: Path, form: str) -> None:
    catboost = models.library("catboost")
    trained = models.train_catboost()
    artifact = trained.save(form, tmp_path / "artifact")

    prepared = served(artifact, "CATBOOST_SERVER")

    model = catboost.CatBoostClassifier()
    model.load_model(str(prepared.path / "model.cbm"))
    assert np.allclose(model.predict_proba(ROWS), trained.answers["predict_proba"])


@pytest.mark.parametrize("form", ["zenml", "whole module", "traced"])
def test_a_pytorch_module_predicts_the_same_as_torchscript(tmp_path: Path, form: str) -> None:
    torch = models.library("torch")
    trained = models.train_pytorch()
    artifact = trained.save(form, tmp_path / "artifact")

    prepared = served(artifact)

    with quiet(), torch.no_grad():
        answer = torch.jit.load(prepared.path / "model.pt")(torch.from_numpy(ROWS)).numpy()
    assert np.allclose(answer, trained.answers["predict"])


@pytest.mark.parametrize("form", ["zenml", "h5", "pickle"])
def test_a_keras_model_predicts_the_same_as_a_saved_model(tmp_path: Path, form: str) -> None:
    tensorflow = models.library("tensorflow")
    trained = models.train_keras()
    artifact = trained.save(form, tmp_path / "artifact")

    prepared = served(artifact, "TENSORFLOW_SERVER")

    with quiet():
        model = tensorflow.saved_model.load(str(prepared.path / "1"))
        [answer] = model.signatures["serving_default"](tensorflow.constant(ROWS)).values()
    assert np.allclose(answer.numpy(), trained.answers["predict"])


def test_a_bare_saved_model_gets_the_version_that_tensorflows_server_wants(tmp_path: Path) -> None:
    artifact = models.train_keras().save("savedmodel", tmp_path / "artifact")

    prepared = served(artifact, "TENSORFLOW_SERVER")

    assert snapshot(prepared.path / "1") == snapshot(artifact)


@pytest.mark.parametrize("form", ["zenml", "pickle"])
def test_what_predicts_like_scikit_learn_is_served_from_its_pickle(
    tmp_path: Path, form: str
) -> None:
    trained = models.train_xgboost_classifier() if form == "zenml" else models.train_lightgbm()
    artifact = trained.save(form, tmp_path / "artifact")

    # Nothing is loaded on the way.
    prepared = prepare(artifact)

    with quiet():
        answer = joblib.load(prepared.path / "model.joblib").predict(ROWS)
    assert np.allclose(answer, trained.answers["predict"])


def test_a_module_that_no_compiler_understands_is_told_with_the_way_out(tmp_path: Path) -> None:
    torch = models.library("torch")
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    torch.save(torch.nn.LazyLinear(3), artifact / "model.pt")

    with pytest.raises(ArtifactError, match=r"cannot be compiled.*torch\.export\.save"):
        served(artifact)

    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_a_missing_framework_is_told_with_what_to_install(tmp_path: Path) -> None:
    artifact = models.train_catboost().save("json", tmp_path / "artifact")
    # In a process that has no CatBoost: an empty module of that name says so.
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "catboost.py").write_text("raise ImportError('not here')")
    code = (
        "import sys; from pathlib import Path\n"
        "from seldon_deployer.artifacts.layout import prepare\n"
        "prepare(Path(sys.argv[1]))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, str(artifact)],
        env={**os.environ, "PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "needs catboost, which is not installed. Try: pip install catboost" in ended.stderr
