"""Pipeline, step and run stand on the resource, and are read back from it."""

import pytest

from seldon_deployer.manifest.build import build_manifest
from seldon_deployer.zenml_plugin import SeldonDeploymentConfig, SeldonResourceRequirements
from seldon_deployer.zenml_plugin.provenance import (
    MODEL_DEPLOYER_LABEL,
    provenance_annotations,
    provenance_labels,
    read_config,
)


@pytest.fixture
def config():
    return SeldonDeploymentConfig(
        model_name="iris", pipeline_name="train & serve (nightly)", pipeline_run_id="r-1"
    )


def test_labels_are_valid_and_annotations_are_whole(config):
    labels = provenance_labels(config, "component-1")
    assert labels["zenml.io/pipeline-name"] == "train-serve-nightly"
    assert labels[MODEL_DEPLOYER_LABEL] == "component-1"
    assert provenance_annotations(config)["zenml.io/pipeline-name"] == "train & serve (nightly)"


def test_what_is_not_known_is_not_written(config):
    assert "zenml.io/step-name" not in provenance_labels(config, "component-1")
    assert "zenml.io/step-name" not in provenance_annotations(config)


def _built(config, **fields):
    wanted = config.to_deployment_config(
        labels=provenance_labels(config, "component-1"),
        annotations=provenance_annotations(config),
    )
    return build_manifest(wanted, namespace="models", orchestrator=False, fingerprint="f", **fields)


def test_a_live_resource_tells_its_configuration(config):
    config.model_uri = "/artifacts/iris"
    config.replicas = 2
    config.secret_name = "storage"
    config.env = {"A": "b"}
    config.parameters = {"method": "predict"}
    config.resources = SeldonResourceRequirements(requests={"cpu": "100m"})
    read = read_config(_built(config, uri="file:///converted", implementation="SKLEARN_SERVER"))
    assert read.pipeline_name == "train & serve (nightly)"
    assert read.model_deployer_id == "component-1"
    assert read.kubernetes_namespace == "models"
    assert read.implementation == "SKLEARN_SERVER"
    assert read.to_deployment_config() == config.to_deployment_config(
        implementation="SKLEARN_SERVER"
    )


def test_a_python_class_is_read_back_as_one(config):
    config.python_class = "flowers.Classifier"
    config.code_path = "/code"
    read = read_config(_built(config, uri=None, implementation=None))
    assert read.to_deployment_config() == config.to_deployment_config()


def test_a_bare_resource_can_be_read_too():
    read = read_config({"metadata": {"name": "iris"}})
    assert (read.model_name, read.pipeline_name) == ("iris", "")
