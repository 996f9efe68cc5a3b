"""All criteria of a search hold at once."""

from uuid import uuid4

import pytest
from zenml.enums import ServiceState

from seldon_deployer.zenml_plugin import SeldonDeploymentConfig, SeldonDeploymentService
from seldon_deployer.zenml_plugin.search import Criteria


@pytest.fixture
def service():
    service = SeldonDeploymentService(
        uuid=uuid4(),
        config=SeldonDeploymentConfig(
            model_name="iris",
            model_uri="/artifacts/iris",
            pipeline_name="training",
            pipeline_step_name="deploy",
            pipeline_run_id="r-1",
        ),
    )
    service.status.update_state(ServiceState.ACTIVE)
    return service


@pytest.mark.parametrize(
    ("criteria", "matches"),
    [
        ({}, True),
        ({"model_name": "iris"}, True),
        ({"model_name": "other"}, False),
        ({"model_name": "iris", "pipeline_name": "other"}, False),
        ({"pipeline_name": "training", "pipeline_step_name": "deploy"}, True),
        ({"pipeline_run_id": "r-1"}, True),
        ({"pipeline_run_id": "r-2"}, False),
        ({"service_name": "zenml-iris"}, True),
        ({"flavor": "seldon_core", "type": "model-serving"}, True),
        ({"flavor": "mlflow"}, False),
        ({"running": True}, True),
        ({"config": {"model_uri": "/artifacts/iris", "pipeline_name": ""}}, True),
        ({"config": {"model_uri": "/artifacts/other"}}, False),
    ],
)
def test_a_service_is_found_by_what_it_is(service, criteria, matches):
    assert Criteria(**criteria).match(service) is matches


def test_its_own_configuration_finds_a_service(service):
    assert Criteria(config=service.config.model_dump()).match(service)


def test_running_asks_for_active_services_and_its_absence_for_all(service):
    service.status.update_state(ServiceState.ERROR, "broken")
    assert not Criteria(running=True).match(service)
    # ZenML's command line passes False where no flag was given.
    assert Criteria(running=False).match(service)
