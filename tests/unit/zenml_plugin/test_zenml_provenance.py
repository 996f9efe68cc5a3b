"""Pipeline, step and run stand on the resource, and are read back from it."""

import pytest

from seldon_deployer.zenml_plugin import SeldonDeploymentConfig
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


def test_a_live_resource_tells_its_configuration(config):
    read = read_config(
        {
            "metadata": {
                "name": "iris",
                "namespace": "models",
                "labels": provenance_labels(config, "component-1"),
                "annotations": {
                    **provenance_annotations(config),
                    "seldon-deployer/model-name": "iris",
                    "seldon-deployer/model-uri": "/artifacts/iris",
                },
            },
            "spec": {
                "replicas": 2,
                "predictors": [
                    {
                        "graph": {
                            "name": "iris",
                            "implementation": "SKLEARN_SERVER",
                            "modelUri": "file:///elsewhere",
                            "envSecretRefName": "storage",
                            "parameters": [{"name": "method", "type": "STRING", "value": "x"}],
                        },
                        "componentSpecs": [
                            {
                                "spec": {
                                    "containers": [
                                        {
                                            "name": "iris",
                                            "resources": {"requests": {"cpu": "1"}},
                                            "env": [{"name": "A", "value": "b"}],
                                        }
                                    ]
                                }
                            }
                        ],
                    }
                ],
            },
        }
    )
    assert read.pipeline_name == "train & serve (nightly)"
    assert read.model_uri == "/artifacts/iris"
    assert read.implementation == "SKLEARN_SERVER"
    assert read.replicas == 2
    assert read.secret_name == "storage"
    assert read.env == {"A": "b"}
    assert read.resources is not None
    assert read.resources.requests == {"cpu": "1"}
    assert read.to_deployment_config().parameters == {"method": "x"}


def test_a_bare_resource_can_be_read_too():
    read = read_config({"metadata": {"name": "iris"}})
    assert (read.model_name, read.pipeline_name) == ("iris", "")
