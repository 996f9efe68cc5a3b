"""Patches: JSON, merge and strategic merge; what stays as it is."""

from __future__ import annotations

from client import JSON_PATCH, STRATEGIC
from objects import deployment, sdep

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


def test_json_patch_runs_wholly_or_not_at_all(client, sdeps):
    client.post(sdeps, sdep("iris"))
    path = f"{sdeps}/iris"
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
        {"op": "copy", "from": "/metadata/labels/a", "path": "/metadata/labels/c"},
    ]
    patched = client.patch(path, operations, JSON_PATCH).body
    assert patched["spec"]["replicas"] == 2
    assert patched["metadata"]["labels"] == {"a": "b", "c": "b"}
    refused = client.patch(
        path,
        [
            {"op": "replace", "path": "/spec/replicas", "value": 9},
            {"op": "test", "path": "/spec/replicas", "value": 1},
        ],
        JSON_PATCH,
    )
    assert (refused.status, refused.body["reason"]) == (422, "Invalid")
    assert client.get(path).body == patched


def test_merge_patch_removes_by_null(client, sdeps):
    client.post(sdeps, sdep("iris", labels={"a": "1", "b": "2"}))
    patched = client.patch(f"{sdeps}/iris", {"metadata": {"labels": {"a": None, "c": "3"}}}).body
    assert patched["metadata"]["labels"] == {"b": "2", "c": "3"}


def test_a_patch_may_bring_a_resource_version(client, sdeps):
    client.post(sdeps, sdep("iris"))
    patch = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}
    answer = client.patch(f"{sdeps}/iris", patch)
    assert answer.status == 409


def test_custom_resources_know_no_strategic_merge(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.patch(f"{sdeps}/iris", {}, STRATEGIC)
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")
    assert answer.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )


def test_strategic_merge_knows_lists_by_their_keys(client, fresh_namespace):
    path = DEPLOYMENTS.format(fresh_namespace)
    client.post(path, deployment("d"))
    containers = [{"name": "c", "image": "j"}, {"name": "extra", "image": "k"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = client.patch(f"{path}/d", patch, STRATEGIC)
    spec = answer.body["spec"]["template"]["spec"]
    assert {c["name"]: c["image"] for c in spec["containers"]} == {"c": "j", "extra": "k"}
    (container,) = [c for c in spec["containers"] if c["name"] == "c"]
    assert container["ports"][0]["containerPort"] == 9000
    gone = {"spec": {"template": {"spec": {"containers": [{"name": "extra", "$patch": "delete"}]}}}}
    answer = client.patch(f"{path}/d", gone, STRATEGIC)
    assert [c["name"] for c in answer.body["spec"]["template"]["spec"]["containers"]] == ["c"]


def test_a_deployment_is_wanted_once_where_it_says_nothing(client, fresh_namespace):
    path = DEPLOYMENTS.format(fresh_namespace)
    body = deployment("d")
    del body["spec"]["replicas"]
    spec = client.post(path, body).body["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"]["type"] == "RollingUpdate"
    assert spec["progressDeadlineSeconds"] == 600


def test_the_selector_of_a_deployment_stays(client, fresh_namespace):
    path = DEPLOYMENTS.format(fresh_namespace)
    client.post(path, deployment("d"))
    patch = {
        "spec": {
            "selector": {"matchLabels": {"app": "other"}},
            "template": {"metadata": {"labels": {"app": "other"}}},
        }
    }
    answer = client.patch(f"{path}/d", patch)
    assert answer.status == 422
    assert "spec.selector: Invalid value" in answer.message
    assert "field is immutable" in answer.message
