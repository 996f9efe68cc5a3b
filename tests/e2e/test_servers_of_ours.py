"""Servers that Seldon's operator does not know, asked for by name, and what only they can do."""

from __future__ import annotations

import numpy as np
import pytest
from frameworks import models

from seldon_deployer import Deployer, DeploymentConfig
from seldon_deployer.artifacts.record import ArtifactRecord
from seldon_deployer.errors import ArtifactError
from seldon_deployer.local import lifecycle


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize(
    ("implementation", "train", "form"),
    [
        ("OUR_XGBOOST_SERVER", models.train_xgboost, "zenml"),
        ("OUR_SKLEARN_SERVER", models.train_lightgbm, "pickle"),
        ("CATBOOST_SERVER", models.train_catboost, "json"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_server_of_ours_answers_where_it_is_named(
    deployer, tmp_path, implementation, train, form, protocol
):
    trained = train()
    config = DeploymentConfig(
        model_name="ours",
        model_uri=str(trained.save(form, tmp_path / "artifact")),
        implementation=implementation,
        protocol=protocol,
    )

    service = deployer.deploy(config, timeout_seconds=120)

    try:
        answer = service.predict(models.ROWS)
    finally:
        deployer.delete("ours")
    # Of CatBoost's own file a classifier is known; of the others the Booster answers.
    is_probable = implementation == "CATBOOST_SERVER" and protocol == "seldon"
    expected = trained.answers["predict_proba" if is_probable else "predict"]
    np.testing.assert_allclose(answer, expected.reshape(answer.shape), rtol=1e-5, atol=1e-7)


def test_a_whole_module_is_served_where_a_pipeline_wrote_it(deployer, tmp_path):
    trained = models.train_pytorch()
    config = DeploymentConfig(
        model_name="module", model_uri=str(trained.save("zenml", tmp_path / "artifact"))
    )
    with pytest.raises(ArtifactError, match="not known to be your own"):
        deployer.deploy(config, timeout_seconds=60)
    noted = ArtifactRecord(
        materializer="zenml.integrations.pytorch.materializers.pytorch_module_materializer."
        "PyTorchModuleMaterializer",
        data_type="torch.nn.modules.container.Sequential",
    )

    service = deployer.deploy(config, record=noted, timeout_seconds=120)

    try:
        answer = service.predict(models.ROWS)
    finally:
        deployer.delete("module")
    np.testing.assert_allclose(answer, trained.answers["predict"], rtol=1e-5)
