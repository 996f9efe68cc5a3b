"""What ZenML asks of a plugin in its older versions too, from 0.80 on."""

import inspect
from typing import Any, get_type_hints

import pytest
from zenml.enums import StackComponentType

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.steps import seldon_custom_model_deployer_step, seldon_model_deployer_step
from seldon_deployer.zenml_plugin import SeldonModelDeployer
from seldon_deployer.zenml_plugin.flavor import SeldonModelDeployerConfig

STEPS = pytest.mark.parametrize(
    "step", [seldon_model_deployer_step, seldon_custom_model_deployer_step]
)
FIELDS = DeploymentConfig.model_fields.keys() - {"model_uri"}


@STEPS
def test_fields_are_no_parameters_by_keyword_alone(step):
    """ZenML 0.80 looks for the parameters of a step among those with a position."""
    assert set(inspect.getfullargspec(step.entrypoint).args) >= FIELDS


@STEPS
def test_each_parameter_has_its_type_where_pydantic_looks_for_it(step):
    """pydantic 2.8 knows no other place for the types of a function's parameters."""
    parameters = inspect.signature(step.entrypoint).parameters
    hints = get_type_hints(step.entrypoint)
    assert hints.keys() >= parameters.keys()
    assert all(hints[name] is Any for name in FIELDS)


def test_a_snapshot_may_be_called_a_deployment():
    class Compiled:
        step_configurations: dict[str, Any] = {}  # noqa: RUF012

    component = SeldonModelDeployer(
        name="seldon",
        id="8b1f0c2e-0000-4000-8000-000000000001",
        config=SeldonModelDeployerConfig(),
        flavor="seldon_core",
        type=StackComponentType.MODEL_DEPLOYER,
        user=None,
        created=None,
        updated=None,
    )
    assert component.get_docker_builds(deployment=Compiled()) == []
    assert component.get_docker_builds(Compiled()) == []
    assert component.get_docker_builds(snapshot=Compiled()) == []
