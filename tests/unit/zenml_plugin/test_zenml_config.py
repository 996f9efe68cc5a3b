"""The ZenML configuration becomes the core's, and loses nothing on the way."""

import pytest
from pydantic import ValidationError

from seldon_deployer.errors import ConfigError, InvalidName
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
    with pytest.raises(ValidationError, match="replcas"):
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


def test_the_components_secret_serves_where_the_configuration_names_none():
    config = SeldonDeploymentConfig(model_name="iris", model_uri="/m")
    assert config.to_deployment_config(secret_name="theirs").secret_name == "theirs"
    config.secret_name = "own"
    assert config.to_deployment_config(secret_name="theirs").secret_name == "own"


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
