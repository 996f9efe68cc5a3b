"""The one door to Kubernetes, against both ends: what it returns, refuses and follows."""

from __future__ import annotations

import base64
import threading

import pytest
import yaml
from apiserver.harness import End

from seldon_deployer.cluster import (
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    SECRETS,
    SELDON_DEPLOYMENTS,
    SERVICES,
    connect,
)
from seldon_deployer.errors import (
    ClusterError,
    Conflict,
    ManifestError,
    NotFound,
    PermissionDenied,
)


@pytest.fixture
def cluster(end: End, fresh_namespace: str):
    opened = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    yield opened
    opened.close()


def iris(name="iris", **spec):
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "predictors": [
                {
                    "name": "default",
                    "graph": {
                        "name": "classifier",
                        "implementation": "SKLEARN_SERVER",
                        "modelUri": "gs://models/iris",
                    },
                }
            ],
            **spec,
        },
    }


def secret(**data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3"}, "data": encoded}


def test_an_object_that_is_not_there_is_none(cluster):
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None
    assert cluster.get(PODS, "iris") is None


def test_knows_what_is_served(cluster):
    assert cluster.serves(SELDON_DEPLOYMENTS)
    assert cluster.serves(SECRETS)


def test_apply_creates_then_updates_then_changes_nothing(cluster):
    created = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    assert created["metadata"]["generation"] == 1
    updated = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=2))
    assert updated["metadata"]["generation"] == 2
    again = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=2))
    assert again["metadata"]["resourceVersion"] == updated["metadata"]["resourceVersion"]
    assert cluster.get(SELDON_DEPLOYMENTS, "iris")["spec"] == again["spec"]


def test_apply_leaves_nulls_out(cluster):
    wanted = iris(replicas=1)
    wanted["spec"]["predictors"][0]["componentSpecs"] = None
    applied = cluster.apply(SELDON_DEPLOYMENTS, wanted)
    assert "componentSpecs" not in applied["spec"]["predictors"][0]


def test_apply_removes_what_is_left_out_now(cluster):
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1, annotations={"a": "b"}))
    assert "annotations" not in cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))["spec"]


def test_a_conflict_names_the_other_manager_and_the_field(cluster):
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    cluster.patch(SELDON_DEPLOYMENTS, "iris", {"spec": {"replicas": 3}})
    with pytest.raises(Conflict) as caught:
        cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=2))
    assert ".spec.replicas" in caught.value.why
    assert "seldon-deployer-patch" in caught.value.why
    assert cluster.get(SELDON_DEPLOYMENTS, "iris")["spec"]["replicas"] == 3
    forced = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=2), force=True)
    assert forced["spec"]["replicas"] == 2


def test_a_dry_run_writes_nothing(cluster):
    answer = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1), dry_run=True)
    assert answer["spec"]["replicas"] == 1
    cluster.create(SELDON_DEPLOYMENTS, iris(), dry_run=True)
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


def test_creating_what_exists_is_a_conflict(cluster):
    cluster.create(SELDON_DEPLOYMENTS, iris())
    with pytest.raises(Conflict, match="exists already"):
        cluster.create(SELDON_DEPLOYMENTS, iris())


@pytest.mark.parametrize(
    "spec", [{"replicaz": 1}, {"replicas": "three"}], ids=["unknown field", "wrong type"]
)
def test_a_manifest_that_does_not_fit_is_an_error_that_names_the_field(cluster, spec):
    with pytest.raises(ManifestError) as caught:
        cluster.apply(SELDON_DEPLOYMENTS, iris(**spec))
    assert next(iter(spec)) in caught.value.why
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


def test_the_status_is_written_apart(cluster):
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    patch = {"status": {"state": "Available"}}
    cluster.patch(SELDON_DEPLOYMENTS, "iris", patch, subresource="status")
    live = cluster.get(SELDON_DEPLOYMENTS, "iris")
    assert live["status"]["state"] == "Available"
    assert live["metadata"]["generation"] == 1


def test_lists_by_label_and_by_name_with_types(cluster):
    for name in ("one", "two"):
        cluster.apply(SELDON_DEPLOYMENTS, iris(name, replicas=1))
    found, version = cluster.list(SELDON_DEPLOYMENTS, label_selector="app=two")
    assert [each["metadata"]["name"] for each in found] == ["two"]
    assert found[0]["kind"] == "SeldonDeployment"
    assert version
    found, _ = cluster.list(SELDON_DEPLOYMENTS, field_selector="metadata.name=one")
    assert [each["metadata"]["name"] for each in found] == ["one"]
    assert len(cluster.list(SELDON_DEPLOYMENTS)[0]) == 2


def test_deletes_only_the_object_that_was_meant(cluster):
    created = cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    with pytest.raises(Conflict):
        cluster.delete(SELDON_DEPLOYMENTS, "iris", uid="another")
    cluster.delete(SELDON_DEPLOYMENTS, "iris", uid=created["metadata"]["uid"])
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None
    with pytest.raises(NotFound):
        cluster.delete(SELDON_DEPLOYMENTS, "iris")


def test_secrets_lose_keys_that_are_left_out(cluster):
    cluster.apply(SECRETS, secret(key="a", token="b"))
    applied = cluster.apply(SECRETS, secret(key="a"))
    assert set(applied["data"]) == {"key"}


def test_an_error_about_a_secret_holds_no_value(cluster):
    wrong = secret() | {"data": {"token": {"nested": "hunter2"}}}
    with pytest.raises(ManifestError) as caught:
        cluster.apply(SECRETS, wrong)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_another_namespace_than_ones_own_and_none_at_all(cluster):
    namespace = cluster.namespace
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    assert cluster.get(SELDON_DEPLOYMENTS, "iris", "default") is None
    assert cluster.get(NAMESPACES, namespace)["metadata"]["name"] == namespace
    with pytest.raises(NotFound, match="kubectl create namespace nowhere"):
        cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1), namespace="nowhere")


def test_a_log_of_no_pod_is_not_found(cluster):
    with pytest.raises(NotFound, match="pods/log"):
        cluster.pod_logs("nope", container="iris")


def test_a_watch_tells_each_change_in_order_and_ends_when_closed(cluster):
    watch = cluster.watch(SELDON_DEPLOYMENTS)
    events = iter(watch)
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    first = next(events)
    assert (first.type, first.object["spec"]["replicas"]) == ("ADDED", 1)
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=2))
    second = next(events)
    assert (second.type, second.object["spec"]["replicas"]) == ("MODIFIED", 2)
    cluster.delete(SELDON_DEPLOYMENTS, "iris")
    assert next(events).type == "DELETED"
    watch.close()
    assert list(events) == []


def test_a_watch_that_waits_ends_when_another_thread_closes_it(cluster):
    seen = []
    has_begun = threading.Event()
    watch = cluster.watch(SELDON_DEPLOYMENTS)

    def follow():
        for event in watch:
            seen.append(event)
            has_begun.set()

    thread = threading.Thread(target=follow)
    thread.start()
    cluster.apply(SELDON_DEPLOYMENTS, iris(replicas=1))
    has_begun.wait()
    watch.close()
    thread.join()
    assert len(seen) == 1


def test_a_watch_goes_on_from_where_a_list_was(cluster):
    cluster.apply(SELDON_DEPLOYMENTS, iris("old", replicas=1))
    known, version = cluster.list(SELDON_DEPLOYMENTS)
    cluster.apply(SELDON_DEPLOYMENTS, iris("new", replicas=1))
    with cluster.watch(SELDON_DEPLOYMENTS, since=version, known=known) as watch:
        assert next(iter(watch)).object["metadata"]["name"] == "new"


@pytest.mark.cluster
def test_a_watch_lists_again_when_its_version_is_forgotten(real_end):
    cluster = connect(kubeconfig=real_end.kubeconfig, namespace="default")
    kept = cluster.apply(SELDON_DEPLOYMENTS, iris("kept", replicas=1))
    gone = {"metadata": {"name": "gone", "uid": "long-gone", "resourceVersion": "1"}}
    # The first version of all is long forgotten: 410.
    with cluster.watch(SELDON_DEPLOYMENTS, since="1", known=[gone, kept]) as watch:
        events = iter(watch)
        first = next(events)
        assert (first.type, first.object["metadata"]["name"]) == ("DELETED", "gone")
        cluster.delete(SELDON_DEPLOYMENTS, "kept")
        last = next(events)
        assert (last.type, last.object["metadata"]["name"]) == ("DELETED", "kept")
    cluster.close()


def test_unknown_credentials_are_refused_without_being_told(end, tmp_path):
    config = yaml.safe_load(end.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "not-a-token-of-this-server"}
    for each in config["clusters"]:
        each["cluster"]["server"] = end.server
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    cluster = connect(kubeconfig=path)
    with pytest.raises(PermissionDenied) as caught:
        cluster.get(SELDON_DEPLOYMENTS, "iris")
    assert "not-a-token" not in str(caught.value)
    cluster.close()


def test_no_message_and_no_description_holds_the_token(end, cluster, caplog):
    caplog.set_level("DEBUG")
    cluster.get(SELDON_DEPLOYMENTS, "iris")
    with pytest.raises(NotFound) as caught:
        cluster.delete(SELDON_DEPLOYMENTS, "iris")
    told = f"{caught.value} {cluster.description} {cluster!r} {caplog.text}"
    assert end.token not in told


@pytest.mark.cluster
def test_without_the_crd_the_api_is_missing(bare_end):
    cluster = connect(kubeconfig=bare_end.kubeconfig)
    assert not cluster.serves(SELDON_DEPLOYMENTS)
    assert cluster.serves(DEPLOYMENTS)
    for attempt in (
        lambda: cluster.get(SELDON_DEPLOYMENTS, "iris"),
        lambda: cluster.list(SELDON_DEPLOYMENTS),
        lambda: cluster.apply(SELDON_DEPLOYMENTS, iris()),
    ):
        with pytest.raises(ClusterError, match="no SeldonDeployment API") as caught:
            attempt()
        assert "--runtime=local" in caught.value.hint
    cluster.close()


@pytest.mark.cluster
def test_a_given_client_is_used_as_it_is(real_end):
    from kubernetes.client import ApiClient
    from kubernetes.config import new_client_from_config

    given: ApiClient = new_client_from_config(str(real_end.kubeconfig))
    cluster = connect(api_client=given, namespace="default")
    assert cluster.serves(SELDON_DEPLOYMENTS)
    assert cluster.get(SERVICES, "kubernetes")["kind"] == "Service"
    cluster.close()


@pytest.mark.cluster
def test_rejected_names_are_manifest_errors(real_end):
    cluster = connect(kubeconfig=real_end.kubeconfig)
    with pytest.raises(ManifestError, match=r"metadata\.name"):
        cluster.apply(SELDON_DEPLOYMENTS, iris("Not_A_Name"))
    cluster.close()
