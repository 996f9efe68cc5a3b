"""What a framework cannot do reaches whoever deploys: a missing library, an input that it refuses.

That every framework answers as its own library does is shown in `pairs/`.
"""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


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
