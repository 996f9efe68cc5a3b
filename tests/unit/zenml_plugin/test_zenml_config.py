"""The ZenML configuration becomes the core's, and loses nothing on the way."""

import json

import pytest

from seldon_deployer.config import DeploymentConfig, parse_config
from seldon_deployer.errors import ConfigError, InvalidFields, InvalidName
from seldon_deployer.steps import seldon_model_deployer_step
from seldon_deployer.workload import HPA
from seldon_deployer.zenml_plugin import (
    SeldonDeploymentConfig,
    SeldonDeploymentPredictorParameter,
    SeldonResourceRequirements,
)


def test_a_name_and_a_uri_are_enough():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/models/iris")
    frozen = config.to_deployment_config()
    assert (frozen.model_name, frozen.model_uri) == ("iris", "/models/iris")
    assert frozen.implementation is None
    assert frozen.replicas == 1


def test_the_service_name_alone_names_the_model_too():
    assert SeldonDeploymentConfig(name="iris").model_name == "iris"


def test_zenml_can_assign_to_the_configuration():
    config = SeldonDeploymentConfig(model_name="iris")
    config.pipeline_name = "training"
    config.model_uri = "/models/iris"
    assert config.to_deployment_config().model_uri == "/models/iris"


def test_a_misspelt_field_is_an_error_and_not_lost():
    with pytest.raises(InvalidFields, match="replcas"):
        SeldonDeploymentConfig(model_name="iris", replcas=3)


def test_the_builtin_integrations_spelling_of_the_service_account_is_understood():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", serviceAccountName="robot")
    assert config.to_deployment_config().service_account_name == "robot"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("STRING", "predict_proba", "predict_proba"),
        ("", "plain", "plain"),
        ("INT", "3", 3),
        ("FLOAT", "0.5", 0.5),
        ("DOUBLE", "2", 2.0),
        ("BOOL", "True", True),
        ("BOOL", "false", False),
    ],
)
def test_parameters_are_read_as_their_type(kind, text, value):
    parameter = SeldonDeploymentPredictorParameter(name="p", type=kind, value=text)
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", parameters=[parameter])
    read = config.to_deployment_config().parameters["p"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("kind", "text"), [("INT", "three"), ("BOOL", "yes"), ("LIST", "1")])
def test_a_parameter_that_is_not_of_its_type_is_an_error(kind, text):
    parameter = SeldonDeploymentPredictorParameter(name="p", type=kind, value=text)
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", parameters=[parameter])
    with pytest.raises(ConfigError, match="'p'"):
        config.to_deployment_config()


def test_parameters_may_be_a_plain_dict():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", parameters={"n": 2})
    assert config.to_deployment_config().parameters == {"n": 2}


def test_resources_reach_the_unit_and_empty_ones_are_left_out():
    resources = SeldonResourceRequirements(limits={"cpu": "1"})
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", resources=resources)
    assert config.to_deployment_config().resources == {"limits": {"cpu": "1"}}
    config.resources = SeldonResourceRequirements()
    assert config.to_deployment_config().resources is None


def test_a_wrong_value_is_named():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", replicas=-1)
    with pytest.raises(ConfigError, match="replicas"):
        config.to_deployment_config()


def test_a_name_that_cannot_be_sanitised_is_an_error():
    config = SeldonDeploymentConfig(model_name="???", model_uri="/m")
    with pytest.raises(InvalidName, match="cannot become a Kubernetes name"):
        config.to_deployment_config()


def test_a_configuration_survives_zenmls_way_of_storing_it():
    config = SeldonDeploymentConfig(
        model_name="iris",
        model_uri="/m",
        parameters=[SeldonDeploymentPredictorParameter(name="n", type="INT", value="1")],
        resources=SeldonResourceRequirements(requests={"cpu": "100m"}),
        env={"A": "b"},
    )
    assert SeldonDeploymentConfig(**config.model_dump(mode="json")) == config


def test_every_field_of_a_deployment_can_be_given_and_arrives():
    given = {
        "node_selector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "hpa": {"minReplicas": 1, "maxReplicas": 3},
        "gpus": 1,
        "overlay": {"spec": {"annotations": {"a": "b"}}},
    }
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", **given)
    frozen = config.to_deployment_config()
    assert frozen == parse_config(model_name="iris", model_uri="/m", **given)
    stored = SeldonDeploymentConfig(**config.model_dump(mode="json"))
    assert stored == config
    assert stored.to_deployment_config() == frozen


def test_values_of_the_core_are_taken_as_they_are_and_stored_as_json():
    config = SeldonDeploymentConfig(
        model_name="iris", model_uri="/m", hpa=HPA(min_replicas=1, max_replicas=3)
    )
    stored = SeldonDeploymentConfig(**json.loads(config.model_dump_json()))
    assert stored.to_deployment_config().hpa == HPA(min_replicas=1, max_replicas=3)


def test_a_wrong_value_of_any_field_is_named_at_the_deployment():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m", gpus=-1)
    with pytest.raises(ConfigError, match="gpus"):
        config.to_deployment_config()


def test_a_misspelt_field_of_the_core_is_told_with_the_right_one():
    with pytest.raises(InvalidFields, match="did you mean node_selector"):
        SeldonDeploymentConfig(model_name="iris", node_selectors={})


def test_the_step_takes_every_field_but_the_address_of_the_model():
    inputs = set(seldon_model_deployer_step.entrypoint_definition.inputs)
    fields = set(DeploymentConfig.model_fields) - {"model_uri"}
    assert inputs == fields | {"model", "config", "deploy_decision", "timeout"}
