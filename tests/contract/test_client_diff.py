"""What a deploy would change, asked of both ends: a dry run that leaves nothing behind."""

from __future__ import annotations

import json

import pytest

from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SELDON_DEPLOYMENTS
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import InvalidName, OwnershipError


def config(**more):
    fields = {"model_name": "iris", "model_uri": "s3://m/1", "implementation": "SKLEARN_SERVER"}
    return DeploymentConfig(**{**fields, **more})


def live_of(cluster):
    return cluster.get(SELDON_DEPLOYMENTS, "iris")


def changed_lines(difference):
    lines = str(difference).splitlines()[2:]
    return [line[0] + line[1:].strip() for line in lines if line[0] in "+-"]


def test_a_first_deploy_is_all_new_and_creates_nothing(deployer, cluster):
    difference = deployer.diff(config())
    assert difference
    assert difference.before is None
    lines = str(difference).splitlines()
    assert lines[:2] == ["--- live/iris", "+++ deployed/iris"]
    assert all(line.startswith(("+", "@@")) for line in lines[1:])
    assert "+    traffic: 100" not in lines
    assert "+  replicas: 1" in lines
    assert live_of(cluster) is None


def test_the_same_again_differs_in_nothing(deployer, cluster):
    cluster.apply(SELDON_DEPLOYMENTS, deployer.render(config()))
    difference = deployer.diff(config())
    assert not difference
    assert str(difference) == ""


def test_a_change_is_told_and_not_made(deployer, cluster):
    cluster.apply(SELDON_DEPLOYMENTS, deployer.render(config(labels={"team": "a"})))
    before = live_of(cluster)
    difference = deployer.diff(config(model_uri="s3://m/2", replicas=2))
    told = changed_lines(difference)
    assert {"-team: a", "-replicas: 1", "+replicas: 2"} < set(told)
    assert {"-modelUri: s3://m/1", "+modelUri: s3://m/2"} < set(told)
    assert [line for line in told if "revision" in line]
    assert not [line for line in told if "managedFields" in line or "generation" in line]
    assert live_of(cluster) == before


def test_replicas_that_another_manager_set_are_kept_unless_forced(deployer, cluster, kubectl):
    cluster.apply(SELDON_DEPLOYMENTS, deployer.render(config()))
    kubectl("scale", "sdep", "iris", "--replicas=3")
    assert not deployer.diff(config())
    assert changed_lines(deployer.diff(config(), force=True)) == ["-replicas: 3", "+replicas: 1"]


def test_what_deploy_would_refuse_is_refused(deployer, cluster):
    foreign = deployer.render(config())
    foreign["metadata"]["labels"] = {}
    created = cluster.create(SELDON_DEPLOYMENTS, foreign)
    with pytest.raises(OwnershipError):
        deployer.diff(config())
    assert "+app.kubernetes.io/managed-by: seldon-deployer" in changed_lines(
        deployer.diff(config(), adopt=True)
    )
    cluster.patch(
        SELDON_DEPLOYMENTS,
        "iris",
        {
            "metadata": {"labels": {"app.kubernetes.io/managed-by": "seldon-deployer"}},
            "spec": {"protocol": "v2"},
        },
    )
    assert deployer.diff(config()).conflicts == ((".spec.protocol", "seldon-deployer-patch"),)
    with pytest.raises(InvalidName):
        deployer.diff(config(model_name="IRIS"))
    assert live_of(cluster)["metadata"]["uid"] == created["metadata"]["uid"]


def test_the_command_exits_as_kubectl_diff_does(deployer, cluster, end, capsys):
    arguments = ["diff", "--name", "iris", "--model-uri", "s3://m/1"]
    arguments += ["--implementation", "SKLEARN_SERVER", "--kubeconfig", str(end.kubeconfig)]
    arguments += ["--namespace", cluster.namespace]
    assert run(arguments) == 1
    assert "+  name: iris" in capsys.readouterr().out.splitlines()
    cluster.apply(SELDON_DEPLOYMENTS, deployer.render(config()))
    assert run(arguments) == 0
    assert capsys.readouterr().out == ""
    assert run([*arguments, "--replicas", "2", "--output", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["exists"], told["differs"]) == ("iris", True, True)
    assert "+  replicas: 2" in told["diff"].splitlines()
    nowhere = [*arguments[:-3], "/nowhere/kubeconfig"]
    assert run(nowhere) == 2
    assert "error:" in capsys.readouterr().err
