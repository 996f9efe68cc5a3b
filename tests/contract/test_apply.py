"""Server-side apply: owners, conflicts, force, giving up."""

from __future__ import annotations

import pytest
from client import APPLY, MERGE, SDEPS
from objects import config_map, deployment, sdep, secret


@pytest.fixture
def sdeps(fresh_namespace):
    return SDEPS.format(fresh_namespace)


def _owners(obj):
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in obj["metadata"]["managedFields"]
    }


def test_apply_creates_and_owns_what_it_says(client, sdeps):
    answer = client.apply(f"{sdeps}/iris", sdep("iris", labels={"a": "1"}), "one")
    assert answer.status == 201
    assert _owners(answer.body) == {
        ("one", "Apply", ""): {
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:predictors": {}, "f:replicas": {}},
        }
    }
    again = client.apply(f"{sdeps}/iris", sdep("iris", labels={"a": "1"}), "one")
    assert again.status == 200
    assert again.body == answer.body


def test_what_others_own_is_a_conflict_that_names_them(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris", replicas=1), "one")
    answer = client.apply(f"{sdeps}/iris", sdep("iris", replicas=2), "two")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "one"',
            "field": ".spec.replicas",
        }
    ]


def test_several_conflicts_are_listed_by_manager(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    other = sdep("iris", replicas=2)
    other["spec"]["predictors"][0]["name"] = "other"
    answer = client.apply(f"{sdeps}/iris", other, "two")
    assert answer.message == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.predictors\n- .spec.replicas'
    )


def test_an_updater_in_the_way_is_named_with_its_version(client, sdeps):
    client.post(sdeps, sdep("iris"), fieldManager="made")
    client.patch(f"{sdeps}/iris/scale", {"spec": {"replicas": 3}}, MERGE, fieldManager="scaler")
    answer = client.apply(f"{sdeps}/iris", sdep("iris"), "two")
    assert answer.status == 409
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using '
        "machinelearning.seldon.io/v1: .spec.replicas"
    )


def test_the_same_value_is_shared(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    answer = client.apply(f"{sdeps}/iris", sdep("iris"), "two")
    assert answer.status == 200
    assert set(_owners(answer.body)) == {("one", "Apply", ""), ("two", "Apply", "")}


def test_force_takes_the_field(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    answer = client.apply(f"{sdeps}/iris", sdep("iris", replicas=2), "two", force="true")
    assert answer.status == 200
    owners = _owners(answer.body)
    assert owners["one", "Apply", ""] == {"f:spec": {"f:predictors": {}}}
    assert answer.body["spec"]["replicas"] == 2


def test_what_is_given_up_goes_unless_someone_else_has_it(client, sdeps):
    first = sdep("iris", labels={"mine": "1", "ours": "1"})
    client.apply(f"{sdeps}/iris", first, "one")
    client.apply(f"{sdeps}/iris", sdep("iris", labels={"ours": "1"}), "two")
    answer = client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    assert answer.body["metadata"]["labels"] == {"ours": "1"}


def test_one_name_updating_and_applying_conflicts_with_itself(client, sdeps):
    client.post(sdeps, sdep("iris"), fieldManager="one")
    answer = client.apply(f"{sdeps}/iris", sdep("iris", replicas=2), "one")
    assert answer.status == 409
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "one" using machinelearning.seldon.io/v1: '
        ".spec.replicas"
    )


def test_apply_says_who_applies(client, sdeps):
    answer = client.patch(f"{sdeps}/iris", sdep("iris"), APPLY)
    assert answer.status == 422
    assert answer.message == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch"
    )


def test_force_is_for_apply_alone(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.patch(f"{sdeps}/iris", {}, MERGE, force="true")
    assert answer.status == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in answer.message


@pytest.mark.parametrize("entries", [[], [{}]])
def test_managed_fields_are_not_applied(client, sdeps, entries):
    answer = client.apply(f"{sdeps}/iris", sdep("iris", managedFields=entries), "one")
    assert (answer.status, answer.message) == (400, "metadata.managedFields must be nil")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("bogus", 1, ".spec.bogus: field not declared in schema"),
        ("replicas", "x", ".spec.replicas: expected numeric (int or float), got string"),
        (
            "protocol",
            1,
            ".spec.protocol: expected string, got &value.valueUnstructured{Value:1}",
        ),
        ("annotations", [], ".spec.annotations: expected map, got &{[]}"),
    ],
)
def test_what_is_not_of_the_type_cannot_be_applied(client, sdeps, field, value, problem):
    body = sdep("iris")
    body["spec"][field] = value
    answer = client.apply(f"{sdeps}/iris", body, "one")
    assert (answer.status, answer.body.get("reason")) == (500, None)
    assert answer.message == (
        "failed to create typed patch object (/iris; machinelearning.seldon.io/v1, "
        f"Kind=SeldonDeployment): {problem}"
    )


def test_nulls_cannot_be_applied(client, sdeps):
    body = sdep("iris")
    body["spec"]["protocol"] = None
    answer = client.apply(f"{sdeps}/iris", body, "one")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert 'spec.protocol: Invalid value: "null"' in answer.message


def test_an_applied_resource_version_must_be_the_live_one(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    answer = client.apply(f"{sdeps}/iris", sdep("iris", resourceVersion="1"), "one")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


def test_an_applied_uid_must_exist(client, sdeps):
    answer = client.apply(f"{sdeps}/iris", sdep("iris", uid="abc"), "one")
    assert answer.status == 409
    assert "uid mismatch: the provided object specified uid abc" in answer.message


def test_a_dry_run_of_apply_writes_nothing(client, sdeps):
    answer = client.apply(f"{sdeps}/iris", sdep("iris"), "one", dryRun="All")
    assert answer.status == 201
    assert client.get(f"{sdeps}/iris").status == 404


def test_status_is_applied_through_its_subresource(client, sdeps):
    client.apply(f"{sdeps}/iris", sdep("iris"), "one")
    body = sdep("iris") | {"status": {"state": "Available"}}
    del body["spec"]
    answer = client.apply(f"{sdeps}/iris/status", body, "operator")
    assert answer.status == 200
    assert answer.body["status"] == {"state": "Available"}
    assert answer.body["spec"]["replicas"] == 1
    assert _owners(answer.body)["operator", "Apply", "status"] == {"f:status": {"f:state": {}}}


def test_yaml_is_applied_as_well(client, sdeps):
    body = b"""
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: iris, annotations: {date: 2024-01-01, switch: "on"}}
spec:
  predictors:
  - name: default
    graph: {name: m, implementation: SKLEARN_SERVER, modelUri: "file:///m"}
"""
    answer = client.apply(f"{sdeps}/iris", body, "one")
    assert answer.status == 201
    assert answer.body["metadata"]["annotations"] == {"date": "2024-01-01", "switch": "on"}


def test_keys_of_a_secret_have_owners_of_their_own(client, fresh_namespace):
    path = f"/api/v1/namespaces/{fresh_namespace}/secrets/s"
    client.apply(path, secret("s", {"a": "MQ==", "b": "Mg=="}), "one")
    client.apply(path, secret("s", {"c": "Mw=="}), "two")
    answer = client.apply(path, secret("s", {"a": "MQ=="}), "one")
    assert answer.body["data"] == {"a": "MQ==", "c": "Mw=="}
    assert _owners(answer.body)["one", "Apply", ""] == {"f:data": {"f:a": {}}}
    answer = client.apply(path, secret("s", {"c": "NA=="}), "one")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "two": .data.c'


def test_containers_are_told_apart_by_name(client, fresh_namespace):
    path = f"/apis/apps/v1/namespaces/{fresh_namespace}/deployments/d"
    client.apply(path, deployment("d"), "one")
    extra = deployment("d")
    extra["spec"]["template"]["spec"]["containers"] = [{"name": "extra", "image": "k"}]
    answer = client.apply(path, extra, "two")
    assert answer.status == 200
    containers = answer.body["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == ["c", "extra"]
    owned = _owners(answer.body)["two", "Apply", ""]
    assert owned["f:spec"]["f:template"]["f:spec"]["f:containers"] == {
        'k:{"name":"extra"}': {".": {}, "f:image": {}, "f:name": {}}
    }
    other = deployment("d")
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "z"
    answer = client.apply(path, other, "two")
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "one": '
        '.spec.template.spec.containers[name="c"].image'
    )


def test_owners_of_a_created_deployment(client, fresh_namespace):
    path = f"/apis/apps/v1/namespaces/{fresh_namespace}/deployments"
    body = client.post(path, deployment("d"), fieldManager="op").body
    owned = _owners(body)["op", "Update", ""]["f:spec"]
    assert "." not in owned
    assert owned["f:selector"] == {}
    assert owned["f:strategy"] == {
        "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}},
        "f:type": {},
    }
    container = owned["f:template"]["f:spec"]["f:containers"]['k:{"name":"c"}']
    assert container["f:ports"] == {
        ".": {},
        'k:{"containerPort":9000,"protocol":"TCP"}': {
            ".": {},
            "f:containerPort": {},
            "f:name": {},
            "f:protocol": {},
        },
    }


def test_owners_may_be_reset(client, fresh_namespace):
    path = f"/api/v1/namespaces/{fresh_namespace}/configmaps"
    client.post(path, config_map("x"))
    answer = client.patch(f"{path}/x", {"metadata": {"managedFields": [{}]}})
    assert "managedFields" not in answer.body["metadata"]
    answer = client.apply(f"{path}/x", config_map("x"), "one")
    assert set(_owners(answer.body)) == {
        ("before-first-apply", "Update", ""),
        ("one", "Apply", ""),
    }
