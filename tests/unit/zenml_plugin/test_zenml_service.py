"""What the resource says is what the service shows."""

from uuid import uuid4

import pytest
import yaml
from zenml.enums import ServiceState

from seldon_deployer.cluster import connect
from seldon_deployer.manifest.build import build_manifest
from seldon_deployer.service import Service
from seldon_deployer.zenml_plugin import (
    SeldonDeploymentConfig,
    SeldonDeploymentService,
    SeldonModelDeployer,
)


@pytest.fixture
def cluster(tmp_path):
    """A connection that is never used: these tests send nothing."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "none",
                "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
                "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "none", "user": {}}],
            }
        )
    )
    return connect(kubeconfig=kubeconfig)


@pytest.fixture
def service():
    return SeldonDeploymentService(uuid=uuid4(), config=SeldonDeploymentConfig(model_name="iris"))


def _handle(cluster, status, replicas=1):
    wanted = SeldonDeploymentConfig(
        model_name="iris", model_uri="/artifacts/iris", replicas=replicas
    ).to_deployment_config()
    manifest = build_manifest(
        wanted,
        namespace="models",
        orchestrator=False,
        uri="/artifacts/iris",
        implementation="SKLEARN_SERVER",
        fingerprint="f",
    )
    return Service(cluster, manifest | {"status": status}, base_url="http://gateway:8003")


@pytest.mark.parametrize(
    ("status", "replicas", "state", "message"),
    [
        ({"state": "Available"}, 1, ServiceState.ACTIVE, ""),
        ({"state": "Creating", "description": "wait"}, 1, ServiceState.PENDING_STARTUP, "wait"),
        ({"state": "Failed", "description": "no image"}, 1, ServiceState.ERROR, "no image"),
        ({"state": "Failed"}, 1, ServiceState.ERROR, ""),
        ({}, 1, ServiceState.PENDING_STARTUP, ""),
        ({"state": "Creating"}, 0, ServiceState.INACTIVE, ""),
    ],
)
def test_every_state_of_the_resource_is_shown(cluster, service, status, replicas, state, message):
    service.show(_handle(cluster, status, replicas))
    assert (service.status.state, service.status.last_error) == (state, message)


def test_url_and_configuration_come_from_the_resource(cluster, service):
    service.show(_handle(cluster, {"state": "Available"}))
    url = "http://gateway:8003/seldon/models/iris/api/v1.0/predictions"
    assert service.prediction_url == url
    assert service.get_prediction_url() == url
    info = SeldonModelDeployer.get_model_server_info(service)
    assert info["PREDICTION_URL"] == url
    assert info["PREDICTION_HOSTNAME"] == "gateway"
    assert info["MODEL_URI"] == "/artifacts/iris"
    assert info["IMPLEMENTATION"] == "SKLEARN_SERVER"


def test_an_error_that_healed_is_not_shown_any_more(cluster, service):
    service.show(_handle(cluster, {"state": "Failed", "description": "no image"}))
    service.show(_handle(cluster, {"state": "Available"}))
    assert service.status.last_error == ""


def test_a_resource_that_is_gone_is_shown_inactive(service):
    service.show(None)
    assert service.status.state == ServiceState.INACTIVE
    assert "iris" in service.status.last_error


def test_a_service_survives_zenmls_way_of_storing_it(cluster, service):
    service.show(_handle(cluster, {"state": "Available"}))
    stored = service.model_dump(mode="json")
    assert SeldonDeploymentService(**stored).prediction_url == service.prediction_url
    assert stored["type"] == "seldon_deployer.zenml_plugin.service.SeldonDeploymentService"
