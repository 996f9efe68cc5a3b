"""Who else writes the same SeldonDeployment: Argo CD, kubectl. What a deploy takes is told."""

from __future__ import annotations

import json

import pytest
from client import MERGE

from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SECRETS, SELDON_DEPLOYMENTS
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer.failure import undo
from seldon_deployer.deployer.give_back import give_back
from seldon_deployer.errors import Conflict, DeploymentFailed, OwnershipError

ARGO = "argocd-controller"
PREDICTORS = (".spec.predictors", ARGO)
URI_NOTE = (".metadata.annotations.seldon-deployer/model-uri", ARGO)


def config(uri="s3://m/1", **more):
    fields = {"model_name": "iris", "model_uri": uri, "implementation": "SKLEARN_SERVER"}
    return DeploymentConfig(**{**fields, **more})


def live_of(cluster):
    return cluster.get(SELDON_DEPLOYMENTS, "iris")


def uri_of(cluster):
    return live_of(cluster)["spec"]["predictors"][0]["graph"]["modelUri"]


def labels_of(cluster):
    return live_of(cluster)["metadata"].get("labels") or {}


def owners_of(live):
    return {
        (each["manager"], each["operation"]): each["fieldsV1"]
        for each in live["metadata"]["managedFields"]
        if each.get("subresource") != "status"
    }


@pytest.fixture
def argo(client, sdeps):
    """Applies a manifest as Argo CD does with server-side apply."""

    def apply(manifest):
        answer = client.apply(f"{sdeps}/iris", manifest, ARGO, force="true")
        assert answer.status in (200, 201), answer

    return apply


def test_what_argo_applied_as_we_rendered_it_differs_in_nothing_but_is_shared(
    deployer, cluster, argo
):
    argo(deployer.render(config()))
    difference = deployer.diff(config())
    assert not difference
    assert not difference.conflicts
    assert PREDICTORS in difference.shared
    assert "share" in difference.notes[0]
    assert ARGO in difference.notes[0]


def test_a_diff_tells_over_what_a_deploy_would_fail_and_it_does(deployer, cluster, argo):
    argo(deployer.render(config()))
    before = live_of(cluster)
    difference = deployer.diff(config("s3://m/2"))
    assert difference
    assert "modelUri: s3://m/2" in str(difference)
    assert set(difference.conflicts) == {PREDICTORS, URI_NOTE}
    assert difference.taken == ()
    with pytest.raises(Conflict) as caught:
        deployer.deploy(config("s3://m/2"))
    assert set(caught.value.held) == set(difference.conflicts)
    assert live_of(cluster) == before


def test_a_forced_diff_tells_what_a_deploy_takes_and_it_tells_before_and_after(
    deployer, operator, cluster, argo
):
    argo(deployer.render(config()))
    difference = deployer.diff(config("s3://m/2"), force=True)
    assert set(difference.taken) == {PREDICTORS, URI_NOTE}
    assert difference.conflicts == ()
    told = []
    deployer.deploy(config("s3://m/2"), force=True, timeout_seconds=30, progress=told.append)
    before, after = (next(i for i, line in enumerate(told) if line.startswith(word))
                     for word in ("taking ", "took "))  # fmt: skip
    assert before < after
    for line in (told[before], told[after]):
        assert ARGO in line
        assert ".spec.predictors" in line
    # What is ours already is told no more.
    told.clear()
    deployer.deploy(config("s3://m/3"), force=True, timeout_seconds=30, progress=told.append)
    assert not [line for line in told if ARGO in line]


def test_what_kubectl_applied_names_kubectl_until_adopted_and_while_it_is(
    deployer, operator, cluster, kubectl
):
    foreign = deployer.render(config())
    foreign["metadata"]["labels"] = {"team": "botany"}
    kubectl("apply", "-f", kubectl.file(foreign))
    with pytest.raises(OwnershipError, match="kubectl-client-side-apply"):
        deployer.diff(config())
    told = []
    deployer.deploy(config("s3://m/2"), adopt=True, timeout_seconds=30, progress=told.append)
    assert [line for line in told if line.startswith("taking .metadata.annotations")]
    assert [line for line in told if line.startswith("took ") and "kubectl-client-side" in line]
    assert labels_of(cluster)["team"] == "botany"


def test_an_adopted_one_that_fails_is_as_it_was_and_somebody_elses_again(
    deployer, operator, cluster, kubectl
):
    foreign = deployer.render(config())
    foreign["metadata"]["labels"] = {"team": "botany"}
    kubectl("apply", "-f", kubectl.file(foreign))
    before = live_of(cluster)
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deployer.deploy(config("s3://m/2"), adopt=True, timeout_seconds=30)
    after = live_of(cluster)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == {"team": "botany"}
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert owners_of(after) == owners_of(before)
    # What kubectl does next meets nobody.
    foreign["spec"]["replicas"] = 2
    kubectl("apply", "--server-side", "-f", kubectl.file(foreign))


def test_what_was_taken_for_a_deploy_that_fails_comes_back_whole(deployer, operator, cluster, argo):
    deployer.deploy(config(), timeout_seconds=30)
    theirs = deployer.render(config("s3://theirs"))
    argo({**theirs, "spec": {"predictors": theirs["spec"]["predictors"]}})
    before = live_of(cluster)
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deployer.deploy(config("s3://m/2"), force=True, timeout_seconds=30)
    after = live_of(cluster)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert owners_of(after) == owners_of(before)


@pytest.mark.parametrize("sized", [False, True])
def test_what_argo_applied_stops_and_starts(deployer, operator, cluster, argo, sized):
    manifest = deployer.render(config())
    if sized:
        manifest["spec"]["predictors"][0]["replicas"] = 2
    argo(manifest)
    assert deployer.stop("iris", timeout_seconds=30).state == "Stopped"
    deployment = live_of(cluster)
    assert deployment["spec"]["replicas"] == 0
    assert deployment["spec"]["predictors"][0].get("replicas", 0) == 0
    deployer.start("iris", timeout_seconds=30)
    assert live_of(cluster)["spec"] == manifest["spec"]


def test_a_deletion_of_what_argo_applied_tells_that_it_may_come_back(
    deployer, operator, cluster, argo, caplog
):
    argo(deployer.render(config()))
    deployer.delete("iris")
    assert f"written by {ARGO} too" in caplog.text
    assert live_of(cluster) is None
    caplog.clear()
    deployer.deploy(config(), timeout_seconds=30)
    deployer.delete("iris")
    assert "too, from where" not in caplog.text


def test_a_restart_of_what_argo_applied_is_a_conflict_and_no_silence(
    deployer, operator, cluster, argo
):
    argo(deployer.render(config(secret_name="creds")))
    secret = cluster.create(
        SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds"}}
    )
    before = live_of(cluster)["spec"]
    with pytest.raises(DeploymentFailed, match=ARGO):
        deployer.restart_users(secret, timeout_seconds=30)
    assert live_of(cluster)["spec"] == before


def test_the_diff_command_tells_whose_fields_they_are(deployer, cluster, argo, end, capsys):
    argo(deployer.render(config()))
    arguments = ["diff", "--name", "iris", "--model-uri", "s3://m/2", "--preflight", "off"]
    arguments += ["--implementation", "SKLEARN_SERVER", "--kubeconfig", str(end.kubeconfig)]
    arguments += ["--namespace", cluster.namespace]
    assert run(arguments) == 1
    told = capsys.readouterr()
    assert "deploy would fail" in told.err
    assert f".spec.predictors of {ARGO}" in told.err
    assert "modelUri: s3://m/2" in told.out
    assert run([*arguments, "--output", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {"field": ".spec.predictors", "manager": ARGO} in found["conflicts"]
    assert found["taken"] == []
    assert run([*arguments, "--force", "--output", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["conflicts"] == []
    assert {"field": ".spec.predictors", "manager": ARGO} in found["taken"]


def write_status(cluster, live):
    """What the operator does when it sees a change."""
    said = {"status": {"state": "Creating", "description": live["metadata"]["resourceVersion"]}}
    cluster.patch(SELDON_DEPLOYMENTS, "iris", said, subresource="status")


@pytest.fixture
def undone(cluster, argo):
    """A deployment of Argo CD's that a deploy took, and how its values come back."""
    whole = {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment"}

    def manifest(uri):
        graph = {"name": "m", "implementation": "SKLEARN_SERVER", "modelUri": uri}
        predictors = [{"name": "default", "replicas": 1, "graph": graph}]
        return {**whole, "metadata": {"name": "iris"}, "spec": {"predictors": predictors}}

    argo(manifest("s3://1"))
    previous = live_of(cluster)
    applied = cluster.apply(SELDON_DEPLOYMENTS, manifest("s3://2"), force=True)

    def restore():
        found = live_of(cluster)
        restored = cluster.apply(SELDON_DEPLOYMENTS, manifest("s3://1"), force=True)
        return previous, applied, found, restored

    return restore


def test_owners_come_back_though_the_operator_writes_at_the_same_time(cluster, undone):
    states = undone()
    write_status(cluster, states[-1])

    give_back(cluster, *states)

    after = live_of(cluster)
    assert owners_of(after) == owners_of(states[0])
    assert after["status"]["state"] == "Creating"


def label(client, sdeps):
    note = {"metadata": {"labels": {"team": "botany"}}}
    assert client.patch(f"{sdeps}/iris", note, MERGE, fieldManager="botanist").status == 200


@pytest.mark.parametrize("is_late", [False, True])
def test_who_wrote_while_a_deploy_failed_owns_what_it_wrote(
    cluster, client, sdeps, undone, is_late
):
    if not is_late:
        label(client, sdeps)
    states = undone()
    if is_late:
        label(client, sdeps)

    give_back(cluster, *states)

    after = owners_of(live_of(cluster))
    assert "f:team" in after.pop(("botanist", "Update"))["f:metadata"]["f:labels"]
    assert after == owners_of(states[0])


def test_a_deploy_of_ours_meanwhile_keeps_its_fields(cluster, undone):
    states = undone()
    newer = {key: states[1][key] for key in ("apiVersion", "kind", "spec")}
    newer["metadata"] = {"name": "iris", "annotations": {"seldon-deployer/x": "1"}}
    cluster.apply(SELDON_DEPLOYMENTS, newer, force=True)
    between = owners_of(live_of(cluster))

    give_back(cluster, *states)

    assert owners_of(live_of(cluster)) == between


def test_what_somebody_deleted_while_its_deploy_failed_is_not_made_again(cluster, undone):
    previous, applied, _, _ = undone()
    cluster.delete(SELDON_DEPLOYMENTS, "iris")

    assert "is gone already" in undo(cluster, applied, previous)

    assert live_of(cluster) is None
