"""Triton repositories through the embedded runtime: deployed, asked by name, told why not."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest
from frameworks import models
from grpc_unit import GrpcUnit, infer_request

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed
from seldon_deployer.errors import ArtifactError, ConfigError
from seldon_deployer.local import lifecycle


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.fixture
def repository(tmp_path):
    """Two models: `iris` of ONNX, and `flowers` of TorchScript."""
    folder = models.train_onnx().save("triton", tmp_path / "models")
    saved = models.train_pytorch().save("torchscript", tmp_path / "saved")
    version = folder / "flowers" / "1"
    version.mkdir(parents=True)
    shutil.copyfile(saved / "model.pt", version / "model.pt")
    (folder / "flowers" / "config.pbtxt").write_text(
        """
        platform: "pytorch_libtorch"
        max_batch_size: 4
        input { name: "INPUT__0" data_type: TYPE_FP32 dims: [ 4 ] }
        output { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [ 3 ] }
        """
    )
    return folder


def config_of(repository, name, **fields):
    fields = {"protocol": "v2", **fields}
    return DeploymentConfig(model_name=name, model_uri=str(repository), **fields)


@pytest.mark.parametrize(
    ("name", "train", "given", "orchestrator"),
    [
        ("iris", models.train_onnx, "x", "always"),
        ("flowers", models.train_pytorch, "INPUT__0", "never"),
    ],
)
def test_the_model_of_the_deployments_name_answers_over_rest_and_grpc(
    deployer, repository, name, train, given, orchestrator
):
    expected = train().answers["predict"]

    service = deployer.deploy(
        config_of(repository, name, orchestrator=orchestrator), timeout_seconds=120
    )
    try:
        assert service.prediction_url.endswith(f"/v2/models/{name}/infer")
        np.testing.assert_allclose(service.predict(models.ROWS), expected, rtol=1e-5)
        address = urlsplit(service.prediction_url).netloc
        request = infer_request(**{given: ("FP32", [4, 4], models.ROWS.tobytes())})
        request.model_name = name
        metadata = (("seldon", name), ("namespace", "default"))
        with grpc.insecure_channel(address) as channel:
            answer = GrpcUnit(channel).infer(request, metadata=metadata)
    finally:
        deployer.delete(name)

    found = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(4, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_name_that_the_repository_does_not_have_fails_with_those_that_it_has(
    deployer, repository
):
    with pytest.raises(DeploymentFailed, match="has no model other: it has flowers, iris"):
        deployer.deploy(config_of(repository, "other"), timeout_seconds=120)

    assert deployer.find() == []


def test_a_backend_that_is_not_here_fails_by_its_name(deployer, tmp_path):
    version = tmp_path / "models" / "iris" / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text("class TritonPythonModel: ...")
    (version.parent / "config.pbtxt").write_text('backend: "python"')

    with pytest.raises(DeploymentFailed, match="for Triton's backend python, which is not here"):
        deployer.deploy(config_of(tmp_path / "models", "iris"), timeout_seconds=120)


def test_triton_is_not_asked_in_seldons_protocol(deployer, repository):
    for implementation in ("TRITON_SERVER", None):
        fields = {"implementation": implementation, "protocol": "seldon"}
        with pytest.raises((ArtifactError, ConfigError), match="does not speak"):
            deployer.deploy(config_of(repository, "iris", **fields), timeout_seconds=60)

    assert deployer.find() == []
