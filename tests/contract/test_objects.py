"""Objects: create, read, update, patch, delete; what is refused, and in which words."""

from __future__ import annotations

import base64

import pytest
from client import MERGE, SDEPS
from objects import config_map, sdep, secret

SECRETS = "/api/v1/namespaces/{}/secrets"
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
PODS = "/api/v1/namespaces/{}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


def test_a_created_object_gets_what_every_object_has(client, sdeps, fresh_namespace):
    answer = client.post(sdeps, sdep("iris"))
    assert answer.status == 201
    metadata = answer.body["metadata"]
    assert metadata["namespace"] == fresh_namespace
    assert metadata["generation"] == 1
    assert metadata["uid"]
    assert metadata["resourceVersion"].isdigit()
    assert metadata["creationTimestamp"].endswith("Z")
    (entry,) = metadata["managedFields"]
    assert entry["manager"] == "contract"
    assert entry["operation"] == "Update"
    assert entry["fieldsV1"] == {"f:spec": {".": {}, "f:predictors": {}, "f:replicas": {}}}
    assert client.get(f"{sdeps}/iris").body == answer.body


def test_a_name_is_taken_once(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.post(sdeps, sdep("iris"))
    assert (answer.status, answer.body["reason"]) == (409, "AlreadyExists")
    assert answer.message == ('seldondeployments.machinelearning.seldon.io "iris" already exists')
    assert answer.body["details"] == {
        "name": "iris",
        "group": "machinelearning.seldon.io",
        "kind": "seldondeployments",
    }


def test_a_missing_object_is_not_found(client, sdeps):
    for answer in (
        client.get(f"{sdeps}/none"),
        client.delete(f"{sdeps}/none"),
        client.patch(f"{sdeps}/none", {}, MERGE),
    ):
        assert (answer.status, answer.body["reason"]) == (404, "NotFound")
        assert answer.message == ('seldondeployments.machinelearning.seldon.io "none" not found')
        assert answer.body["kind"] == "Status"
        assert answer.body["code"] == 404


def test_a_missing_namespace_is_not_found(client):
    answer = client.post(SDEPS.format("nowhere"), sdep("iris"))
    assert answer.status == 404
    assert answer.message == 'namespaces "nowhere" not found'


def test_generate_name_makes_names(client, fresh_namespace):
    path = CONFIG_MAPS.format(fresh_namespace)
    body = config_map("x")
    body["metadata"] = {"generateName": "made-"}
    names = {client.post(path, body).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


def test_an_object_without_a_name_is_invalid(client, sdeps):
    body = sdep("x")
    body["metadata"] = {}
    answer = client.post(sdeps, body)
    assert answer.status == 422
    assert "name or generateName is required" in answer.message


@pytest.mark.parametrize("name", ["Iris", "iris_1", "-iris", "iris-"])
def test_a_wrong_name_is_invalid(client, sdeps, name):
    answer = client.post(sdeps, sdep(name))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == (
        f'SeldonDeployment.machinelearning.seldon.io "{name}" is invalid: metadata.name: Invalid '
        f'value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
        "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
        "'example.com', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )


def test_a_wrong_label_is_invalid(client, sdeps):
    answer = client.post(sdeps, sdep("iris", labels={"a": "no good"}))
    assert answer.status == 422
    assert 'metadata.labels: Invalid value: "no good": a valid label must be' in answer.message


def test_a_wrong_kind_is_refused(client, sdeps, fresh_namespace):
    answer = client.post(sdeps, sdep("iris") | {"kind": "Other"})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == (
        'Other.machinelearning.seldon.io "iris" is invalid: kind: Invalid value: "Other": must be '
        "SeldonDeployment"
    )
    answer = client.post(sdeps, sdep("iris") | {"apiVersion": "v1"})
    assert answer.status == 400
    assert answer.message == (
        "the API version in the data (v1) does not match the expected API version "
        "(machinelearning.seldon.io/v1)"
    )
    answer = client.post(CONFIG_MAPS.format(fresh_namespace), config_map("x") | {"kind": "Other"})
    assert answer.status == 400
    assert 'Other in version "v1" cannot be handled as a ConfigMap' in answer.message


def test_a_built_in_type_is_known_by_its_path(client, fresh_namespace):
    body = {"metadata": {"name": "x"}, "data": {"a": "1"}}
    created = client.post(CONFIG_MAPS.format(fresh_namespace), body)
    assert (created.status, created.body["kind"]) == (201, "ConfigMap")


def test_nonsense_is_a_bad_request(client, sdeps):
    answer = client.post(sdeps, b"{nonsense")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_a_new_object_has_no_resource_version(client, sdeps):
    answer = client.post(sdeps, sdep("iris", resourceVersion="1"))
    assert answer.status in (400, 500)
    assert "resourceVersion should not be set on objects to be created" in answer.message


def test_the_namespace_of_the_body_is_that_of_the_url(client, sdeps):
    answer = client.post(sdeps, sdep("iris", namespace="other"))
    assert answer.status == 400
    assert "the namespace of the provided object does not match" in answer.message


def test_status_is_not_written_with_the_object(client, sdeps):
    created = client.post(sdeps, sdep("iris") | {"status": {"state": "Available"}}).body
    assert "status" not in created
    created["status"] = {"state": "Available"}
    assert "status" not in client.put(f"{sdeps}/iris", created).body


def test_status_is_written_through_its_subresource_alone(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    created["status"] = {"state": "Available"}
    created["spec"]["replicas"] = 7
    written = client.put(f"{sdeps}/iris/status", created).body
    assert written["status"] == {"state": "Available"}
    assert written["spec"]["replicas"] == 1
    assert written["metadata"]["generation"] == 1
    entry = written["metadata"]["managedFields"][-1]
    assert (entry["subresource"], entry["operation"]) == ("status", "Update")
    assert entry["fieldsV1"] == {"f:status": {".": {}, "f:state": {}}}


def test_generation_counts_changes_of_the_wish(client, sdeps):
    client.post(sdeps, sdep("iris"))
    path = f"{sdeps}/iris"
    labelled = client.patch(path, {"metadata": {"labels": {"a": "b"}}}).body
    assert labelled["metadata"]["generation"] == 1
    scaled = client.patch(path, {"spec": {"replicas": 2}}).body
    assert scaled["metadata"]["generation"] == 2


def test_an_update_that_changes_nothing_writes_nothing(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    for answer in (
        client.put(f"{sdeps}/iris", created),
        client.patch(f"{sdeps}/iris", {"spec": {"replicas": 1}}),
    ):
        assert answer.status == 200
        assert answer.body == created


def test_a_stale_resource_version_is_a_conflict(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    client.patch(f"{sdeps}/iris", {"spec": {"replicas": 2}})
    created["spec"]["replicas"] = 3
    answer = client.put(f"{sdeps}/iris", created)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.message == (
        "Operation cannot be fulfilled on seldondeployments.machinelearning.seldon.io "
        '"iris": the object has been modified; please apply your changes to the latest version '
        "and try again"
    )


def test_an_update_of_another_uid_is_a_conflict(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    created["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    answer = client.put(f"{sdeps}/iris", created)
    assert answer.status == 409
    assert "Precondition failed: UID in precondition" in answer.message


def test_a_custom_resource_is_replaced_only_from_a_known_version(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.put(f"{sdeps}/iris", sdep("iris", replicas=2))
    assert answer.status == 422
    assert "metadata.resourceVersion: Invalid value" in answer.message


def test_the_name_in_the_body_is_that_of_the_url(client, sdeps):
    created = client.post(sdeps, sdep("iris")).body
    created["metadata"]["name"] = "other"
    answer = client.put(f"{sdeps}/iris", created)
    assert answer.status == 400
    assert answer.message == (
        "the name of the object (other) does not match the name on the URL (iris)"
    )


def test_every_served_version_shows_the_same_object(client, sdeps):
    client.post(sdeps, sdep("iris"))
    for version in ("v1alpha2", "v1alpha3"):
        answer = client.get(f"{sdeps}/iris".replace("/v1/", f"/{version}/"))
        assert answer.status == 200
        assert answer.body["apiVersion"] == f"machinelearning.seldon.io/{version}"
        assert answer.body["spec"] == sdep("iris")["spec"]


def test_a_secret_keeps_text_as_data(client, fresh_namespace):
    path = SECRETS.format(fresh_namespace)
    body = secret("s", {"a": "MQ=="}) | {"stringData": {"b": "2"}}
    created = client.post(path, body).body
    assert "stringData" not in created
    assert created["type"] == "Opaque"
    assert {k: base64.b64decode(v).decode() for k, v in created["data"].items()} == {
        "a": "1",
        "b": "2",
    }


def test_a_secret_of_no_base64_is_refused_without_its_value(client, fresh_namespace):
    answer = client.post(SECRETS.format(fresh_namespace), secret("s", {"a": "%%hidden%%"}))
    assert answer.status == 400
    assert "hidden" not in answer.message


def test_the_type_of_a_secret_stays(client, fresh_namespace):
    path = SECRETS.format(fresh_namespace)
    client.post(path, secret("s", {}))
    answer = client.patch(f"{path}/s", {"type": "other"})
    assert answer.status == 422
    assert "field is immutable" in answer.message


def test_a_dry_run_writes_nothing(client, sdeps):
    answer = client.post(sdeps, sdep("iris"), dryRun="All")
    assert answer.status == 201
    assert answer.body["metadata"]["uid"]
    assert client.get(f"{sdeps}/iris").status == 404
    created = client.post(sdeps, sdep("iris")).body
    answer = client.patch(f"{sdeps}/iris", {"spec": {"replicas": 5}}, dryRun="All")
    assert answer.body["spec"]["replicas"] == 5
    assert client.delete(f"{sdeps}/iris", dryRun="All").status == 200
    assert client.get(f"{sdeps}/iris").body == created


@pytest.mark.parametrize("value", ["Some", "", "all"])
def test_a_dry_run_of_anything_but_all_is_invalid_and_writes_nothing(client, sdeps, value):
    path = f"{sdeps}/iris"
    created = client.post(sdeps, sdep("iris")).body
    changed = sdep("iris", replicas=5)
    for kind, answer in (
        ("Create", client.post(sdeps, sdep("other"), dryRun=value)),
        ("Update", client.put(path, changed, dryRun=value)),
        ("Patch", client.patch(path, {"spec": {"replicas": 5}}, dryRun=value)),
        ("Patch", client.apply(path, changed, "one", force="true", dryRun=value)),
        ("Delete", client.delete(path, dryRun=value)),
    ):
        assert answer.status == 422, kind
        assert answer.message == (
            f'{kind}Options.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["{value}"]: '
            'supported values: "All"'
        )
    assert client.get(path).body == created
    assert client.get(f"{sdeps}/other").status == 404


def test_an_unknown_resource_is_not_found(client, fresh_namespace):
    answer = client.get(f"/api/v1/namespaces/{fresh_namespace}/nothings")
    assert answer.status == 404
    answer = client.get("/apis/nothing.example.com/v1/things")
    assert answer.status == 404


def test_only_json_is_spoken(client, sdeps):
    answer = client.request("GET", sdeps, accept="text/html")
    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")
    answer = client.request("POST", sdeps, b"x", content_type="text/plain")
    assert answer.status == 415


def test_who_brings_no_token_is_refused(client, sdeps):
    answer = client.request("GET", sdeps, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status, answer.body["reason"]) == (401, "Unauthorized")
    assert answer.message == "Unauthorized"


def test_the_server_says_that_it_lives(client):
    for path in ("/healthz", "/livez", "/readyz"):
        answer = client.get(path)
        assert (answer.status, answer.body) == (200, "ok")
    assert client.get("/version").body["major"] == "1"
