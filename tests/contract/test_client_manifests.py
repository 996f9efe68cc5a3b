"""A manifest of the user's own, deployed to both ends as it is."""

from __future__ import annotations

import json

import pytest
import yaml

from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SELDON_DEPLOYMENTS
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import (
    Conflict,
    DeploymentFailed,
    InvalidName,
    ManifestError,
    OwnershipError,
)


def manifest(uri="s3://m/1", **spec):
    unit = {"name": "classifier", "implementation": "SKLEARN_SERVER", "modelUri": uri}
    predictor = {"name": "main", "graph": unit, "labels": {"team": "blue"}}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "iris", "labels": {"a": "b"}},
        "spec": {"replicas": 2, "predictors": [predictor], **spec},
    }


def live_of(cluster):
    return cluster.get(SELDON_DEPLOYMENTS, "iris")


def test_it_is_served_as_it_is_found_updated_and_deleted(deployer, operator, cluster):
    service = deployer.deploy_manifest(manifest(), timeout_seconds=30)
    live = live_of(cluster)
    assert live["status"]["state"] == "Available"
    (predictor,) = live["spec"]["predictors"]
    assert (predictor["name"], predictor["labels"]) == ("main", {"team": "blue"})
    assert "componentSpecs" not in predictor
    assert live["spec"]["replicas"] == 2
    assert (service.model_name, service.model_uri) == ("iris", "s3://m/1")
    assert [each.name for each in deployer.find(model_name="iris")] == ["iris"]
    again = deployer.deploy_manifest(manifest("s3://m/2"), timeout_seconds=30)
    assert again.revision != service.revision
    deployer.delete("iris")
    assert live_of(cluster) is None


def test_the_same_again_changes_nothing_even_as_kubectl_gives_it_back(deployer, operator, cluster):
    deployer.deploy_manifest(manifest(), timeout_seconds=30)
    before = live_of(cluster)
    deployer.deploy_manifest({**before, "apiVersion": "machinelearning.seldon.io/v1alpha2"})
    after = live_of(cluster)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert not deployer.diff_manifest(before)


def test_one_that_fails_is_undone(deployer, operator, cluster):
    deployer.deploy_manifest(manifest(), timeout_seconds=30)
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deployer.deploy_manifest(manifest("s3://m/2"), timeout_seconds=30)
    assert live_of(cluster)["spec"]["predictors"][0]["graph"]["modelUri"] == "s3://m/1"


def test_labels_and_notes_stay_but_for_the_one_by_which_we_know_ours(
    deployer, operator, cluster, caplog
):
    given = manifest()
    given["metadata"]["labels"] = {"team": "botany", "app.kubernetes.io/managed-by": "Helm"}
    given["metadata"]["annotations"] = {"example.com/a": "b"}
    deployer.deploy_manifest(given, timeout_seconds=30)
    [warning] = [each for each in caplog.messages if "managed-by" in each]
    assert "is Helm in the manifest" in warning
    metadata = live_of(cluster)["metadata"]
    assert metadata["labels"]["team"] == "botany"
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "seldon-deployer"
    assert metadata["annotations"]["example.com/a"] == "b"


def test_replicas_are_always_there_and_kept_where_they_were_set(deployer, operator, cluster):
    silent = manifest()
    del silent["spec"]["replicas"]
    deployer.deploy_manifest(silent, timeout_seconds=30)
    assert live_of(cluster)["spec"]["replicas"] == 1
    cluster.patch(SELDON_DEPLOYMENTS, "iris", {"spec": {"replicas": 3}})
    deployer.deploy_manifest(silent, timeout_seconds=30)
    assert live_of(cluster)["spec"]["replicas"] == 3


def test_a_resource_of_somebody_else_is_taken_over_only_when_told(deployer, operator, cluster):
    cluster.create(SELDON_DEPLOYMENTS, manifest())
    with pytest.raises(OwnershipError, match="--adopt"):
        deployer.deploy_manifest(manifest("s3://m/2"))
    deployer.deploy_manifest(manifest("s3://m/2"), adopt=True, timeout_seconds=30)
    assert live_of(cluster)["spec"]["predictors"][0]["graph"]["modelUri"] == "s3://m/2"


def test_a_configuration_and_a_manifest_of_one_name_are_one_model(deployer, operator, cluster):
    config = DeploymentConfig(
        model_name="Iris", model_uri="s3://m/1", implementation="SKLEARN_SERVER"
    )
    deployer.deploy(config, timeout_seconds=30)
    written = deployer.render(config)
    del written["metadata"]["annotations"]
    assert deployer.deploy_manifest(written, timeout_seconds=30).model_name == "Iris"
    other = manifest()
    other["metadata"]["annotations"] = {"seldon-deployer/model-name": "other"}
    with pytest.raises(InvalidName):
        deployer.deploy_manifest(other)


def test_a_field_that_another_manager_owns_is_a_conflict(deployer, operator, cluster):
    deployer.deploy_manifest(manifest(), timeout_seconds=30)
    theirs = manifest("s3://theirs")["spec"]["predictors"]
    cluster.patch(SELDON_DEPLOYMENTS, "iris", {"spec": {"predictors": theirs}})
    with pytest.raises(Conflict, match="seldon-deployer-patch"):
        deployer.deploy_manifest(manifest("s3://m/3"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given["spec"]["predictors"][0]["graph"].pop("name"), "graph.name"),
        (lambda given: given["spec"].update(predictor=[]), "spec.predictor: there is no such"),
        (lambda given: given["metadata"].update(namespace="elsewhere"), "namespace elsewhere"),
        (lambda given: given["metadata"].pop("name"), "has no name"),
        (lambda given: given["metadata"].update(name="Iris.v1"), "Iris.v1"),
        (lambda given: given.update(kind="Deployment"), "kubectl apply"),
        (lambda given: given.update(spec=None), "has no spec"),
        (lambda given: given["spec"].update(predictors="main"), "spec.predictors"),
    ],
)
def test_what_cannot_be_applied_is_told_before_anything_is_sent(deployer, cluster, change, said):
    given = manifest()
    change(given)
    with pytest.raises(ManifestError) as caught:
        deployer.deploy_manifest(given)
    assert said in str(caught.value)
    assert cluster.list(SELDON_DEPLOYMENTS)[0] == []


def test_the_command_line_deploys_and_compares_a_manifest(end, operator, cluster, tmp_path, capsys):
    file = tmp_path / "iris.yaml"
    file.write_text(yaml.safe_dump(manifest()))
    where = ["--kubeconfig", str(end.kubeconfig), "-n", cluster.namespace, "--preflight", "off"]
    assert run(["diff", "--manifest", str(file), *where]) == 1
    assert live_of(cluster) is None
    capsys.readouterr()
    assert run(["deploy", "--manifest", str(file), *where, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "Available"
    assert run(["diff", "--manifest", str(file), *where]) == 0
