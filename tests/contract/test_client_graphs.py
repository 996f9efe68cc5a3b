"""Graphs in several pods against both ends, with Seldon's operator played by the test."""

from __future__ import annotations

import pytest
from scripted_operator import plan

from seldon_deployer.cluster import DEPLOYMENTS, SELDON_DEPLOYMENTS, Cluster
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.graph import ABTest, Combiner, Model, Router, Transformer
from seldon_deployer.workload import HPA


def model(name, **options):
    served = {"model_uri": f"s3://m/{name}", "implementation": "SKLEARN_SERVER"}
    return Model(name, **served, **options)


def config(graph, **more):
    return DeploymentConfig(model_name="vote", graph=graph, **more)


SPREAD = Transformer("scale", image="scale:1") >> Combiner(
    "mean",
    [model("a", own_pod=True, replicas=2), model("b", own_pod=True)],
    image="mean:1",
)
GRAPHS = {
    "one pod": Combiner("mean", [model("a"), model("b")], image="mean:1"),
    "a pod each": SPREAD,
    "a router over an A/B test": Router(
        "choose",
        [ABTest(model("a"), model("b", own_pod=True), ratio=0.9), model("c")],
        image="choose:1",
    ),
    "an autoscaler": model("a") >> model("b", own_pod=True, hpa=HPA(max_replicas=3)),
}


def owned(cluster: Cluster):
    found, _ = cluster.list(DEPLOYMENTS)
    return {each["metadata"]["name"]: each for each in found}


def is_whole(deployment):
    size, status = deployment["spec"]["replicas"], deployment["status"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return [status.get(count, 0) for count in counts] == [size] * 4


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("mode", ["auto", "separate"])
def test_a_graph_is_ready_when_all_its_deployments_are(deployer, operator, cluster, graph, mode):
    operator.act = operator.serve_one_by_one
    service = deployer.deploy(config(graph, orchestrator=mode), timeout_seconds=30)
    made = owned(cluster)
    wanted = {each["metadata"]["name"] for each in plan(service.manifest)}
    assert made.keys() == wanted
    assert len(made) > 1 or (mode == "auto" and graph is GRAPHS["one pod"])
    assert all(is_whole(each) for each in made.values())


def test_an_update_waits_for_every_deployment_to_have_its_revision(deployer, operator, cluster):
    first = deployer.deploy(config(SPREAD), timeout_seconds=30)
    operator.act = operator.serve_one_by_one
    second = deployer.deploy(config(SPREAD, env={"LEVEL": "2"}), timeout_seconds=30)
    assert second.revision != first.revision
    for each in owned(cluster).values():
        stamped = each["spec"]["template"]["metadata"]["annotations"]
        assert stamped["seldon-deployer/revision"] == second.revision
        assert is_whole(each)


def test_a_unit_that_left_the_graph_has_to_be_gone(deployer, operator, cluster):
    deployer.deploy(config(SPREAD), timeout_seconds=30)
    before = set(owned(cluster))

    def serve_then_remove(live):
        operator.serve(live)
        wanted = {each["metadata"]["name"] for each in plan(live)}
        for name in set(owned(operator.cluster)) - wanted:
            operator.cluster.delete(DEPLOYMENTS, name)

    operator.act = serve_then_remove
    smaller = Transformer("scale", image="scale:1") >> model("a", own_pod=True, replicas=2)
    service = deployer.deploy(config(smaller), timeout_seconds=30)
    assert set(owned(cluster)) == {each["metadata"]["name"] for each in plan(service.manifest)}
    assert before - set(owned(cluster))


@pytest.mark.parametrize("mode", ["auto", "separate"])
def test_a_graph_stops_as_a_whole_and_comes_back_in_its_sizes(deployer, operator, cluster, mode):
    deployer.deploy(config(SPREAD, orchestrator=mode), timeout_seconds=30)
    sizes = {name: each["spec"]["replicas"] for name, each in owned(cluster).items()}
    assert 2 in sizes.values()
    deployer.stop("vote", timeout_seconds=30)
    assert {each["spec"]["replicas"] for each in owned(cluster).values()} == {0}
    deployer.start("vote", timeout_seconds=30)
    assert {name: each["spec"]["replicas"] for name, each in owned(cluster).items()} == sizes
    assert cluster.get(SELDON_DEPLOYMENTS, "vote")["status"]["state"] == "Available"
