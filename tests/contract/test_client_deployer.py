"""Deploying against both ends, with Seldon's operator played by the test."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seldon_deployer.cluster import DEPLOYMENTS, SELDON_DEPLOYMENTS, SERVICES, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import (
    ApiMissing,
    ArtifactError,
    ConfigError,
    Conflict,
    DeploymentFailed,
    DeploymentTimeout,
    InvalidName,
    NotFound,
    OwnershipError,
)

TRANSPORT = "seldon_deployer.cluster.transport"


@pytest.fixture
def ingress():
    """A way in that answers health checks: with 200, or with what `status` is set to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deployer(cluster, ingress):
    return Deployer(DeployerEnd(cluster, is_local=False, base_url=ingress.url), preflight="off")


def config(**more):
    fields = {"model_name": "iris", "model_uri": "s3://m/1", "implementation": "SKLEARN_SERVER"}
    return DeploymentConfig(**{**fields, **more})


def live_of(cluster, name="iris"):
    return cluster.get(SELDON_DEPLOYMENTS, name)


def test_deploys_waits_asks_through_the_url_and_returns_the_service(
    deployer, operator, ingress, cluster
):
    service = deployer.deploy(config(), timeout_seconds=30)
    assert service.name == "iris"
    assert live_of(cluster)["status"]["state"] == "Available"
    assert ingress.asked[-1] == f"/seldon/{cluster.namespace}/iris/api/v1.0/health/status"
    assert service.prediction_url.startswith(ingress.url)


def test_a_first_deploy_takes_at_most_ten_requests_and_two_watches(deployer, operator, caplog):
    caplog.set_level("DEBUG", logger=TRANSPORT)
    deployer.deploy(config(), timeout_seconds=30)
    # The operator talks to the same API from a thread of its own.
    sent = [each for each in caplog.records if each.threadName != "operator"]
    kinds = Counter("watch=true" in each.getMessage() for each in sent if each.name == TRANSPORT)
    assert kinds[True] == 2
    assert kinds[False] <= 10


def test_deploying_the_same_again_changes_nothing_and_watches_nothing(
    deployer, operator, cluster, caplog
):
    deployer.deploy(config(), timeout_seconds=30)
    before = live_of(cluster)["metadata"]["resourceVersion"]
    caplog.set_level("DEBUG", logger=TRANSPORT)
    told = []
    deployer.deploy(config(), timeout_seconds=30, progress=told.append)
    assert live_of(cluster)["metadata"]["resourceVersion"] == before
    assert "iris is unchanged" in told
    sent = [each for each in caplog.records if each.threadName != "operator"]
    assert not [each for each in sent if "watch=true" in each.getMessage()]


def test_an_update_returns_only_when_the_new_revision_serves(deployer, operator, cluster):
    deployer.deploy(config(replicas=3), timeout_seconds=30)
    operator.act = operator.roll
    deployer.deploy(config(replicas=3, model_uri="s3://m/2"), timeout_seconds=30)
    made = cluster.get(DEPLOYMENTS, "iris-default-0-iris")
    assert made["status"]["updatedReplicas"] == made["status"]["replicas"] == 3
    assert made["status"]["observedGeneration"] == made["metadata"]["generation"]


def test_zero_replicas_are_stopped_and_come_back(deployer, operator, cluster):
    deployer.deploy(config(replicas=2), timeout_seconds=30)
    deployer.stop("iris", timeout_seconds=30)
    assert live_of(cluster)["spec"]["replicas"] == 0
    deployer.start("iris", timeout_seconds=30)
    assert live_of(cluster)["spec"]["replicas"] == 2


def test_a_first_deployment_that_crashes_fails_and_is_removed(deployer, operator, cluster):
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed) as caught:
        deployer.deploy(config(), timeout_seconds=60)
    assert caught.value.exit_code == 1
    assert "ValueError: not a model" in caught.value.why
    assert any("CrashLoopBackOff" in line for line in caught.value.report)
    assert "removed again" in str(caught.value)
    assert live_of(cluster) is None


def test_a_failed_deployment_is_kept_when_asked(deployer, operator, cluster):
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed, match="kept for inspection") as caught:
        deployer.deploy(config(), timeout_seconds=60, on_failure="keep")
    live = live_of(cluster)
    assert live is not None
    assert f"describe sdep {live['metadata']['name']} -n {live['metadata']['namespace']}" in str(
        caught.value
    )


def test_a_failed_update_goes_back_to_what_was_before(deployer, operator, cluster):
    deployer.deploy(config(replicas=2), timeout_seconds=30)
    before = live_of(cluster)["spec"]
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed, match="back at what was deployed before"):
        deployer.deploy(config(model_uri="s3://m/broken"), timeout_seconds=60)
    assert live_of(cluster)["spec"] == before


def test_a_deadline_with_nothing_to_see_is_a_timeout(deployer, cluster):
    with pytest.raises(DeploymentTimeout, match="not ready after 1 s") as caught:
        deployer.deploy(config(), timeout_seconds=1)
    assert caught.value.exit_code == 3
    assert live_of(cluster) is None


def test_a_service_that_its_url_does_not_reach_is_said_and_left_running(
    deployer, operator, ingress, cluster
):
    ingress.status = 503
    with pytest.raises(DeploymentTimeout, match="not reachable") as caught:
        deployer.deploy(config(), timeout_seconds=3)
    assert "HTTP 503" in caught.value.why
    assert live_of(cluster) is not None


def test_a_deployment_that_somebody_deletes_meanwhile_fails(deployer, operator, cluster):
    operator.act = operator.delete
    with pytest.raises(DeploymentFailed, match="was deleted"):
        deployer.deploy(config(), timeout_seconds=60)


def test_an_interrupted_deploy_leaves_what_it_applied_and_no_watch(deployer, cluster, caplog):
    def interrupt(text):
        if text.startswith("waiting for Seldon to make"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployer.deploy(config(), timeout_seconds=30, progress=interrupt)
    assert live_of(cluster) is not None
    assert "iris stays as it was applied" in caplog.text
    for thread in threading.enumerate():
        if thread.name.startswith("watch-"):
            thread.join()


def test_a_resource_of_somebody_else_is_left_alone_until_adopted(deployer, operator, cluster):
    operator.act = operator.nothing
    foreign = deployer.render(config(model_uri="s3://theirs/1"))
    foreign["metadata"]["labels"] = {}
    cluster.create(SELDON_DEPLOYMENTS, foreign)
    before = live_of(cluster)["metadata"]["resourceVersion"]
    with pytest.raises(OwnershipError):
        deployer.deploy(config(), timeout_seconds=30)
    with pytest.raises(OwnershipError):
        deployer.delete("iris")
    assert live_of(cluster)["metadata"]["resourceVersion"] == before
    assert deployer.find() == []
    operator.act = operator.serve
    deployer.deploy(config(), timeout_seconds=30, adopt=True)
    assert [each.name for each in deployer.find()] == ["iris"]


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
def test_what_the_operator_would_replace_is_found_before_anything_is_written(
    deployer, cluster, kind
):
    labels = {"mine": "yes"}
    if kind == "Service":
        theirs = {"name": "iris-default"}
        spec = {"selector": labels, "ports": [{"port": 80}]}
        cluster.create(
            SERVICES, {"apiVersion": "v1", "kind": kind, "metadata": theirs, "spec": spec}
        )
    else:
        theirs = {"name": "iris-default-0-iris"}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        spec = {"selector": {"matchLabels": labels}, "template": template}
        cluster.create(
            DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": kind, "metadata": theirs, "spec": spec}
        )
    with pytest.raises(OwnershipError, match=f"would replace the {kind} {theirs['name']}"):
        deployer.deploy(config(), timeout_seconds=30)
    assert live_of(cluster) is None


def test_two_model_names_that_become_one_are_an_error(deployer, operator, cluster):
    deployer.deploy(config(model_name="Iris Model"), timeout_seconds=30)
    with pytest.raises(InvalidName, match="'iris-model' and 'Iris Model'"):
        deployer.deploy(config(model_name="iris-model"), timeout_seconds=30)
    assert deployer.get("Iris Model").model_name == "Iris Model"


def test_replicas_that_another_manager_set_are_kept_and_said(deployer, operator, cluster):
    deployer.deploy(config(replicas=1), timeout_seconds=30)
    cluster.patch(SELDON_DEPLOYMENTS, "iris", {"spec": {"replicas": 3}})
    told = []
    update = config(replicas=1, model_uri="s3://m/2")
    deployer.deploy(update, timeout_seconds=30, progress=told.append)
    assert live_of(cluster)["spec"]["replicas"] == 3
    assert any("keeping 3 replicas" in line for line in told)
    deployer.deploy(update, timeout_seconds=30, force=True)
    assert live_of(cluster)["spec"]["replicas"] == 1


def test_fields_that_another_manager_owns_are_a_conflict_and_nothing_changes(
    deployer, operator, cluster
):
    deployer.deploy(config(), timeout_seconds=30)
    theirs = {"metadata": {"annotations": {"seldon-deployer/model-uri": "theirs"}}}
    cluster.patch(SELDON_DEPLOYMENTS, "iris", theirs)
    before = live_of(cluster)["spec"]
    with pytest.raises(Conflict, match="seldon-deployer-patch"):
        deployer.deploy(config(model_uri="s3://m/2"), timeout_seconds=30)
    assert live_of(cluster)["spec"] == before


def test_finds_what_was_deployed_by_name_and_model(deployer, operator):
    for name in ("one", "two"):
        deployer.deploy(config(model_name=name, labels={"team": name}), timeout_seconds=30)
    assert {each.name for each in deployer.find()} == {"one", "two"}
    assert [each.name for each in deployer.find(model_name="two")] == ["two"]
    assert [each.name for each in deployer.find(name="one")] == ["one"]
    assert [each.name for each in deployer.find(labels={"team": "one"})] == ["one"]
    assert deployer.find(model_name="three") == []


def test_deletes_what_is_ours_and_waits_until_it_is_gone(deployer, operator, cluster):
    deployer.deploy(config(), timeout_seconds=30)
    deployer.delete("iris")
    assert live_of(cluster) is None
    with pytest.raises(NotFound):
        deployer.delete("iris")
    with pytest.raises(NotFound):
        deployer.get("iris")


def test_what_a_cluster_cannot_serve_is_said_before_any_request(deployer, tmp_path, caplog):
    caplog.set_level("DEBUG", logger=TRANSPORT)
    with pytest.raises(ArtifactError, match="cannot read"):
        deployer.deploy(config(model_uri=str(tmp_path), implementation=None))
    with pytest.raises(ConfigError, match="no model server"):
        deployer.deploy(config(implementation="SKLEARN"))
    with pytest.raises(ConfigError, match="no image"):
        deployer.deploy(DeploymentConfig(model_name="x", python_class="a.B"))
    assert not [each for each in caplog.records if each.name == TRANSPORT]


def test_a_model_in_a_store_that_nobody_looks_into_needs_an_implementation(deployer, cluster):
    with pytest.raises(ArtifactError, match="is unknown"):
        deployer.deploy(config(implementation=None))
    assert live_of(cluster) is None


@pytest.mark.cluster
def test_without_the_crd_nothing_is_tried(bare_end):
    cluster = connect(kubeconfig=bare_end.kubeconfig)
    with pytest.raises(ApiMissing):
        Deployer(DeployerEnd(cluster, is_local=False, base_url=None), preflight="off").deploy(
            config()
        )
    cluster.close()
