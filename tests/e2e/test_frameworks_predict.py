"""From the artifact that a framework's own library saved to predictions equal to the library's.

Each pair of artifact and protocol: found, converted where need be, deployed on the embedded
runtime, asked. One deployment at a time: some frameworks take half a gigabyte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from frameworks import models

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed
from seldon_deployer.errors import PredictionError
from seldon_deployer.local import lifecycle

MISSING = """
import os, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == os.environ["MISSING"]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

if "MISSING" in os.environ:
    sys.meta_path.insert(0, Missing())
"""


@dataclass(frozen=True)
class Case:
    """An artifact; which of its library's answers each protocol gives."""

    train: object
    form: str
    seldon: str = "predict"
    v2: str = "predict"

    @property
    def name(self) -> str:
        return f"{self.train.__name__.removeprefix('train_')}-{self.form}".replace("_", "-")


# `zenml` is what ZenML's materializer leaves. Seldon's own servers answer a classifier's
# probabilities where it has them, MLServer its labels.
CASES = [
    Case(models.train_sklearn, "zenml", seldon="predict_proba"),
    Case(models.train_xgboost, "zenml"),
    Case(models.train_xgboost_classifier, "zenml", seldon="predict_proba"),
    Case(models.train_lightgbm, "zenml"),
    Case(models.train_lightgbm_classifier, "zenml", seldon="predict_proba"),
    Case(models.train_catboost, "zenml", seldon="predict_proba"),
    Case(models.train_catboost, "cbm"),
    Case(models.train_mlflow, "sklearn"),
    Case(models.train_onnx, "onnx"),
    Case(models.train_pytorch, "torchscript"),
    Case(models.train_pytorch, "export"),
    Case(models.train_keras, "zenml"),
    Case(models.train_keras, "savedmodel"),
]


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_artifact_is_served_with_the_predictions_of_its_library(
    deployer, tmp_path, case, protocol
):
    trained = case.train()
    folder = trained.save(case.form, tmp_path / "artifact")
    expected = trained.answers[getattr(case, protocol)]
    config = DeploymentConfig(model_name=case.name, model_uri=str(folder), protocol=protocol)
    service = deployer.deploy(config, timeout_seconds=120)
    try:
        answer = service.predict(models.ROWS)
    finally:
        deployer.delete(config.name)
    if protocol == "v2":
        # One value per row is one column there, and dtypes are kept.
        expected = expected.reshape(answer.shape)
        assert answer.dtype == expected.dtype
    assert answer.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-7)


def test_a_missing_framework_fails_the_deployment_with_the_package_to_install(deployer, tmp_path):
    folder = models.train_xgboost().save("zenml", tmp_path / "artifact")
    code = tmp_path / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(MISSING)
    config = DeploymentConfig(
        model_name="bare",
        model_uri=str(folder),
        python_class="seldon_deployer.server.xgboost.XGBoostServer",
        code_path=code,
        env={"MISSING": "xgboost"},
    )
    with pytest.raises(DeploymentFailed) as caught:
        deployer.deploy(config, timeout_seconds=60)
    assert "the package xgboost is not installed" in str(caught.value)
    assert deployer.find(model_name="bare") == []


def test_a_refused_input_reaches_the_caller_in_the_library_s_words(deployer, tmp_path):
    folder = models.train_onnx().save("onnx", tmp_path / "artifact")
    for protocol in ("seldon", "v2"):
        name = f"refusing-{protocol}"
        config = DeploymentConfig(model_name=name, model_uri=str(folder), protocol=protocol)
        service = deployer.deploy(config, timeout_seconds=60)
        try:
            with pytest.raises(PredictionError, match="invalid dimensions for input: x") as caught:
                service.predict(models.ROWS[:, :2])
            assert caught.value.status == 400
        finally:
            deployer.delete(name)
