"""Configurations deployed to both ends, with Seldon's operator played: what waits for what."""

from __future__ import annotations

import pytest
from scripted_operator import ScriptedOperator

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import ManifestError

CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}


@pytest.fixture
def deployer(end, fresh_namespace, cluster):
    own = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    with ScriptedOperator(own):
        yield Deployer(DeployerEnd(cluster, is_local=False, base_url=None), preflight="off")


def config(**more):
    return DeploymentConfig(**{"model_name": "iris", "image": "mine:1", **more})


def live_of(cluster):
    return cluster.get(SELDON_DEPLOYMENTS, "iris")


def revision_of(live):
    return live["spec"]["predictors"][0]["annotations"]["seldon-deployer/revision"]


def test_an_autoscaler_decides_how_many_and_its_bounds_roll_nothing(deployer, cluster):
    scaled = {"orchestrator": "never", "resources": {"requests": {"cpu": "100m"}}}
    deployer.deploy(config(**scaled, hpa={"max_replicas": 3}), timeout_seconds=30)
    before = live_of(cluster)

    deployer.deploy(config(**scaled, hpa={"max_replicas": 9}), timeout_seconds=30)

    after = live_of(cluster)
    assert revision_of(before) == revision_of(after)
    [component] = after["spec"]["predictors"][0]["componentSpecs"]
    assert component["hpaSpec"] == {"minReplicas": 1, "maxReplicas": 9}


def test_what_reaches_the_pods_is_waited_for_as_a_new_revision(deployer, cluster):
    deployer.deploy(config(), timeout_seconds=30)
    before = revision_of(live_of(cluster))

    mount = {"name": "models", "mountPath": "/mnt/models"}
    deployer.deploy(config(volumes=[CLAIM], volume_mounts=[mount]), timeout_seconds=30)

    assert revision_of(live_of(cluster)) != before


def test_a_model_on_a_volume_is_deployed_unread(deployer, cluster):
    service = deployer.deploy(
        DeploymentConfig(
            model_name="iris",
            model_uri="/mnt/models/iris",
            implementation="SKLEARN_SERVER",
            volumes=[CLAIM],
            volume_mounts=[{"name": "models", "mountPath": "/mnt/models"}],
        ),
        timeout_seconds=30,
    )

    assert service.name == "iris"
    assert "modelUri" not in live_of(cluster)["spec"]["predictors"][0]["graph"]


def test_an_overlay_that_seldon_would_refuse_is_told_before_anything_is_sent(deployer, cluster):
    overlay = {"spec": {"protocol": "carrier-pigeon"}}

    with pytest.raises(ManifestError, match="Invalid protocol"):
        deployer.deploy(config(overlay=overlay), timeout_seconds=30)

    assert live_of(cluster) is None
