"""Connections that are cut at any moment: watches lose nothing, and a deploy goes on."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import yaml
from cutting_proxy import cutting_proxy
from scripted_operator import ScriptedOperator

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd


@pytest.fixture
def proxy(end):
    parts = urlsplit(end.server)
    with cutting_proxy((parts.hostname, parts.port)) as running:
        yield running


@pytest.fixture
def through_proxy(end, proxy, tmp_path, fresh_namespace):
    """A cluster whose every connection goes through the proxy."""
    config = yaml.safe_load(end.kubeconfig.read_text())
    for each in config["clusters"]:
        each["cluster"]["server"] = f"{urlsplit(end.server).scheme}://127.0.0.1:{proxy.port}"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    opened = connect(kubeconfig=path, namespace=fresh_namespace)
    yield opened
    opened.close()


@pytest.fixture
def direct(end, fresh_namespace):
    opened = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    yield opened
    opened.close()


def iris(replicas):
    graph = {"name": "classifier", "implementation": "SKLEARN_SERVER", "modelUri": "gs://m/1"}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "iris"},
        "spec": {"replicas": replicas, "predictors": [{"name": "default", "graph": graph}]},
    }


def test_a_watch_that_is_cut_between_all_changes_tells_each_once(through_proxy, direct, proxy):
    events = iter(watch := through_proxy.watch(SELDON_DEPLOYMENTS))
    seen = []
    for replicas in range(1, 5):
        direct.apply(SELDON_DEPLOYMENTS, iris(replicas))
        seen.append(next(events).object["spec"]["replicas"])
        proxy.cut()
    assert seen == [1, 2, 3, 4]
    watch.close()


def test_a_watch_tells_what_happened_while_it_was_cut_off(through_proxy, direct, proxy):
    events = iter(watch := through_proxy.watch(SELDON_DEPLOYMENTS))
    direct.apply(SELDON_DEPLOYMENTS, iris(1))
    assert next(events).type == "ADDED"
    proxy.cut()
    direct.apply(SELDON_DEPLOYMENTS, iris(2))
    direct.delete(SELDON_DEPLOYMENTS, "iris")
    assert [next(events).type, next(events).type] == ["MODIFIED", "DELETED"]
    watch.close()


def test_an_idle_connection_that_was_cut_is_not_an_error(through_proxy, proxy):
    for replicas in (1, 2):
        through_proxy.apply(SELDON_DEPLOYMENTS, iris(replicas))
        proxy.cut()
    assert through_proxy.get(SELDON_DEPLOYMENTS, "iris")["spec"]["replicas"] == 2


def test_a_deploy_goes_on_when_its_connections_are_cut_at_every_step(
    end, through_proxy, proxy, fresh_namespace
):
    class Cutting(ScriptedOperator):
        """Cuts the deployer's connections before and after each of its own writes."""

        def write_deployment(self, live, *which, **more):
            proxy.cut()
            super().write_deployment(live, *which, **more)
            proxy.cut()

        def write_state(self, live, state):
            super().write_state(live, state)
            proxy.cut()

    wanted = DeploymentConfig(
        model_name="iris", model_uri="s3://m/1", implementation="SKLEARN_SERVER", replicas=2
    )
    deployer = Deployer(DeployerEnd(through_proxy, is_local=False, base_url=None), preflight="off")
    own = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    with Cutting(own) as operator:
        operator.act = operator.roll
        service = deployer.deploy(wanted, timeout_seconds=60)
        assert service.is_ready()
        deployer.deploy(wanted.model_copy(update={"model_uri": "s3://m/2"}), timeout_seconds=60)
    assert proxy.cuts > 10
