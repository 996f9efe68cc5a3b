"""Unknown fields, wrong types, keys given twice: rejected, warned of, or dropped."""

from __future__ import annotations

import pytest
from client import MERGE, SDEPS
from objects import sdep, secret


@pytest.fixture
def sdeps(fresh_namespace):
    return SDEPS.format(fresh_namespace)


def _with_unknown_fields():
    body = sdep("iris")
    body["spec"]["bogus"] = 1
    body["metadata"]["zzz"] = 1
    return body


def test_strict_validation_rejects_unknown_fields(client, sdeps):
    answer = client.post(sdeps, _with_unknown_fields(), fieldValidation="Strict")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.message == (
        'SeldonDeployment in version "v1" cannot be handled as a SeldonDeployment: strict '
        'decoding error: unknown field "metadata.zzz", unknown field "spec.bogus"'
    )


@pytest.mark.parametrize("query", [{}, {"fieldValidation": "Warn"}])
def test_unknown_fields_are_dropped_with_a_warning(client, sdeps, query):
    answer = client.post(sdeps, _with_unknown_fields(), **query)
    assert answer.status == 201
    assert "bogus" not in answer.body["spec"]
    assert "zzz" not in answer.body["metadata"]
    assert answer.warnings == [
        '299 - "unknown field \\"metadata.zzz\\""',
        '299 - "unknown field \\"spec.bogus\\""',
    ]


def test_unknown_fields_can_be_dropped_in_silence(client, sdeps):
    answer = client.post(sdeps, _with_unknown_fields(), fieldValidation="Ignore")
    assert (answer.status, answer.warnings) == (201, [])


def test_patches_are_validated_too(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.patch(f"{sdeps}/iris", {"spec": {"bogus": 1}}, MERGE)
    assert answer.warnings == ['299 - "unknown field \\"spec.bogus\\""']
    assert "bogus" not in answer.body["spec"]


def test_a_field_validation_that_is_none_is_invalid(client, sdeps):
    answer = client.post(sdeps, sdep("iris"), fieldValidation="Nope")
    assert answer.status == 422
    assert answer.message == (
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Nope": '
        'supported values: "", "Ignore", "Strict", "Warn"'
    )


def test_a_key_given_twice_is_told(client, sdeps):
    body = (
        b'{"apiVersion":"machinelearning.seldon.io/v1","kind":"SeldonDeployment","metadata":'
        b'{"name":"iris"},"spec":{"replicas":1,"replicas":2,"predictors":[{"name":"p","graph":'
        b'{"name":"m","implementation":"SKLEARN_SERVER","modelUri":"file:///m"}}]}}'
    )
    answer = client.request("POST", sdeps, body, query={"fieldValidation": "Strict"})
    assert answer.status == 400
    assert answer.message == (
        'SeldonDeployment in version "v1" cannot be handled as a SeldonDeployment: strict '
        'decoding error: duplicate field "spec.replicas"'
    )
    answer = client.request("POST", sdeps, body)
    assert answer.body["spec"]["replicas"] == 2
    assert answer.warnings == ['299 - "duplicate field \\"spec.replicas\\""']


def test_a_missing_field_is_invalid(client, sdeps):
    body = sdep("iris")
    del body["spec"]["predictors"][0]["graph"]["name"]
    answer = client.post(sdeps, body)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == (
        'SeldonDeployment.machinelearning.seldon.io "iris" is invalid: '
        "spec.predictors[0].graph.name: Required value"
    )
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldValueRequired",
            "message": "Required value",
            "field": "spec.predictors[0].graph.name",
        }
    ]


def test_a_wrong_type_is_invalid(client, sdeps):
    body = sdep("iris")
    body["spec"]["protocol"] = 3
    answer = client.post(sdeps, body)
    assert answer.status == 422
    assert answer.message == (
        'SeldonDeployment.machinelearning.seldon.io "iris" is invalid: spec.protocol: Invalid '
        'value: "integer": spec.protocol in body must be of type string: "integer"'
    )


def test_nulls_are_absent_fields_in_create_and_update(client, sdeps):
    body = sdep("iris")
    body["spec"]["protocol"] = None
    created = client.post(sdeps, body)
    assert created.status == 201
    assert "protocol" not in created.body["spec"]
    created.body["spec"]["annotations"] = None
    assert client.put(f"{sdeps}/iris", created.body).status == 200


def test_built_in_types_are_checked_as_well(client, fresh_namespace):
    path = f"/api/v1/namespaces/{fresh_namespace}/secrets"
    answer = client.post(path, secret("s", {}) | {"dat": {}}, fieldValidation="Strict")
    assert answer.status == 400
    assert answer.message == (
        'Secret in version "v1" cannot be handled as a Secret: strict decoding error: unknown '
        'field "dat"'
    )
    answer = client.post(path, secret("s", {"a": 1}))
    assert answer.status == 400
    assert answer.message.startswith('Secret in version "v1" cannot be handled as a Secret: ')
