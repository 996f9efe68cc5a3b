"""Deletion: preconditions, finalizers, grace, and what an owner takes along.

A real API server leaves dependents to the garbage collector, which does not run here; what only it
would do is asked of the embedded API alone.
"""

from __future__ import annotations

import pytest
from client import SDEPS, Client
from objects import config_map, owned_by, pod, sdep

MAPS = "/api/v1/namespaces/{}/configmaps"
PODS = "/api/v1/namespaces/{}/pods"


@pytest.fixture
def sdeps(fresh_namespace):
    return SDEPS.format(fresh_namespace)


@pytest.fixture
def alone(embedded_end):
    """A client of the embedded end, which collects garbage itself."""
    client = Client(embedded_end)
    yield client
    client.close()


@pytest.fixture
def namespace(alone):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "gc-"}}
    return alone.post("/api/v1/namespaces", body).body["metadata"]["name"]


def test_what_is_deleted_is_gone(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    answer = client.delete(f"{sdeps}/iris")
    assert answer.status == 200
    assert (answer.body["kind"], answer.body["status"]) == ("Status", "Success")
    assert answer.body["details"] == {
        "name": "iris",
        "group": "machinelearning.seldon.io",
        "kind": "seldondeployments",
        "uid": created["metadata"]["uid"],
    }
    assert client.get(f"{sdeps}/iris").status == 404
    again = client.post(sdeps, sdep("iris")).body
    assert again["metadata"]["uid"] != created["metadata"]["uid"]


def test_a_finalizer_holds_an_object_until_it_is_removed(client, sdeps):
    client.post(sdeps, sdep("iris", finalizers=["example.com/wait"]))
    answer = client.delete(f"{sdeps}/iris")
    assert answer.body["metadata"]["deletionTimestamp"]
    held = client.get(f"{sdeps}/iris").body
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    assert held["metadata"]["generation"] == 2
    client.patch(f"{sdeps}/iris", {"metadata": {"finalizers": None}})
    assert client.get(f"{sdeps}/iris").status == 404


def test_a_foreign_uid_is_a_conflict(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.delete(f"{sdeps}/iris", {"preconditions": {"uid": "other"}})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match the UID in record" in answer.message
    assert client.get(f"{sdeps}/iris").status == 200


def test_a_policy_that_is_none_is_invalid(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.delete(f"{sdeps}/iris", propagationPolicy="Nope")
    assert answer.status == 422
    assert answer.message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Nope": '
        'supported values: "Foreground", "Background", "Orphan", "nil"'
    )


def test_foreground_deletion_waits_for_what_is_owned(client, sdeps):
    owner = client.post(sdeps, sdep("iris")).body
    maps = MAPS.format(owner["metadata"]["namespace"])
    body = config_map("owned", ownerReferences=owned_by(owner, blocks=True))
    body["metadata"]["finalizers"] = ["example.com/wait"]
    client.post(maps, body)
    answer = client.delete(f"{sdeps}/iris", propagationPolicy="Foreground")
    assert "foregroundDeletion" in answer.body["metadata"]["finalizers"]
    assert client.get(f"{sdeps}/iris").body["metadata"]["deletionTimestamp"]


def test_a_collection_is_deleted_by_label(client, sdeps):
    client.post(sdeps, sdep("a", labels={"x": "1"}))
    client.post(sdeps, sdep("b"))
    assert client.delete(sdeps, labelSelector="x=1").status == 200
    left = client.get(sdeps).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]


def test_a_pod_that_runs_is_deleted_with_grace(client, fresh_namespace):
    path = PODS.format(fresh_namespace)
    body = pod("p")
    body["spec"]["nodeName"] = "here"
    client.post(path, body)
    answer = client.delete(f"{path}/p")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert client.get(f"{path}/p").body["metadata"]["deletionTimestamp"]
    client.delete(f"{path}/p", {"gracePeriodSeconds": 0})
    assert client.get(f"{path}/p").status == 404


def test_background_deletion_takes_along_what_is_owned(alone, namespace):
    owner = alone.post(SDEPS.format(namespace), sdep("iris")).body
    maps = MAPS.format(namespace)
    child = alone.post(maps, config_map("child", ownerReferences=owned_by(owner))).body
    alone.post(maps, config_map("grandchild", ownerReferences=owned_by(child)))
    alone.post(maps, config_map("other"))
    alone.delete(f"{SDEPS.format(namespace)}/iris")
    left = [item["metadata"]["name"] for item in alone.get(maps).body["items"]]
    assert left == ["other"]


def test_foreground_deletion_ends_with_the_last_that_blocks(alone, namespace):
    sdeps, maps = SDEPS.format(namespace), MAPS.format(namespace)
    owner = alone.post(sdeps, sdep("iris")).body
    body = config_map("owned", ownerReferences=owned_by(owner, blocks=True))
    body["metadata"]["finalizers"] = ["example.com/wait"]
    alone.post(maps, body)
    alone.delete(f"{sdeps}/iris", propagationPolicy="Foreground")
    assert alone.get(f"{sdeps}/iris").status == 200
    alone.patch(f"{maps}/owned", {"metadata": {"finalizers": None}})
    assert alone.get(f"{maps}/owned").status == 404
    assert alone.get(f"{sdeps}/iris").status == 404


def test_orphans_stay_without_owner(alone, namespace):
    sdeps, maps = SDEPS.format(namespace), MAPS.format(namespace)
    owner = alone.post(sdeps, sdep("iris")).body
    alone.post(maps, config_map("owned", ownerReferences=owned_by(owner)))
    alone.delete(f"{sdeps}/iris", propagationPolicy="Orphan")
    assert "ownerReferences" not in alone.get(f"{maps}/owned").body["metadata"]


def test_an_object_with_another_owner_stays(alone, namespace):
    sdeps, maps = SDEPS.format(namespace), MAPS.format(namespace)
    first, second = (alone.post(sdeps, sdep(name)).body for name in ("a", "b"))
    references = [*owned_by(first), *owned_by(second)]
    references[1]["controller"] = False
    alone.post(maps, config_map("owned", ownerReferences=references))
    alone.delete(f"{sdeps}/a")
    left = alone.get(f"{maps}/owned").body["metadata"]["ownerReferences"]
    assert [reference["name"] for reference in left] == ["b"]


def test_a_namespace_goes_with_all_that_is_in_it(alone, namespace):
    path = PODS.format(namespace)
    alone.post(path, pod("p"))
    alone.post(MAPS.format(namespace), config_map("x"))
    alone.delete(f"/api/v1/namespaces/{namespace}")
    home = alone.get(f"/api/v1/namespaces/{namespace}").body
    assert home["status"]["phase"] == "Terminating"
    refused = alone.post(MAPS.format(namespace), config_map("y"))
    assert refused.status == 403
    assert "because it is being terminated" in refused.message
    alone.delete(f"{path}/p", {"gracePeriodSeconds": 0})
    assert alone.get(f"/api/v1/namespaces/{namespace}").status == 404
