"""Lists: selectors, pages, kinds and versions."""

from __future__ import annotations

import pytest
from objects import config_map, pod, sdep

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
PODS = "/api/v1/namespaces/{}/pods"


def test_labels_and_fields_select(client, sdeps):
    for name, labels in (("a", {"t": "1"}), ("b", {"t": "2", "u": "x"}), ("c", {})):
        client.post(sdeps, sdep(name, labels=labels))

    def names(**query):
        return [item["metadata"]["name"] for item in client.get(sdeps, **query).body["items"]]

    assert names() == ["a", "b", "c"]
    assert names(labelSelector="t=1") == ["a"]
    assert names(labelSelector="t!=1") == ["b", "c"]
    assert names(labelSelector="t in (1,2),u") == ["b"]
    assert names(labelSelector="t notin (1)") == ["b", "c"]
    assert names(labelSelector="!t") == ["c"]
    assert names(fieldSelector="metadata.name=b") == ["b"]
    assert names(fieldSelector="metadata.name!=b") == ["a", "c"]


@pytest.mark.parametrize(
    "query", [{"labelSelector": "a in b"}, {"fieldSelector": "spec.replicas=1"}]
)
def test_a_selector_that_cannot_be_is_a_bad_request(client, sdeps, query):
    assert client.get(sdeps, **query).status == 400


def test_a_list_comes_in_pages(client, sdeps):
    for name in "abcde":
        client.post(sdeps, sdep(name))
    seen, token = [], ""
    while True:
        body = client.get(sdeps, limit="2", **({"continue": token} if token else {})).body
        seen += [item["metadata"]["name"] for item in body["items"]]
        token = body["metadata"].get("continue", "")
        if not token:
            break
        assert body["metadata"]["remainingItemCount"] == 5 - len(seen)
    assert seen == list("abcde")


def test_a_list_says_its_kind_and_version(client, sdeps, fresh_namespace):
    client.post(sdeps, sdep("a"))
    body = client.get(sdeps).body
    assert (body["kind"], body["apiVersion"]) == (
        "SeldonDeploymentList",
        "machinelearning.seldon.io/v1",
    )
    assert body["metadata"]["resourceVersion"].isdigit()
    assert body["items"][0]["kind"] == "SeldonDeployment"
    client.post(CONFIG_MAPS.format(fresh_namespace), config_map("x"))
    body = client.get(CONFIG_MAPS.format(fresh_namespace)).body
    assert body["kind"] == "ConfigMapList"
    assert "kind" not in body["items"][0]


def test_a_list_over_all_namespaces_holds_this_one(client, sdeps, fresh_namespace):
    client.post(sdeps, sdep("everywhere"))
    items = client.get("/apis/machinelearning.seldon.io/v1/seldondeployments").body["items"]
    assert (fresh_namespace, "everywhere") in {
        (item["metadata"]["namespace"], item["metadata"]["name"]) for item in items
    }


def test_pods_by_phase(client, fresh_namespace):
    path = PODS.format(fresh_namespace)
    client.post(path, pod("p"))
    client.patch(f"{path}/p/status", {"status": {"phase": "Running"}})

    def names(selector):
        items = client.get(path, fieldSelector=selector).body["items"]
        return [item["metadata"]["name"] for item in items]

    assert names("status.phase=Running") == ["p"]
    assert names("status.phase=Pending") == []
