"""Pods need their service account, on a real API server and on the embedded one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from apiserver.harness import End
from client import Client

NAMESPACES = "/api/v1/namespaces"


@pytest.fixture(params=["embedded", pytest.param("strict", marks=pytest.mark.cluster)])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Of the embedded API, and of a real one that asks for accounts."""
    end: End = request.getfixturevalue(f"{request.param}_end")
    opened = Client(end)
    yield opened
    opened.close()


@pytest.fixture
def namespace(client):
    name = f"t-{secrets.token_hex(4)}"
    assert client.post(NAMESPACES, {"metadata": {"name": name}}).status == 201
    # On a cluster a controller makes it; the real server of these tests runs alone.
    answer = client.post(accounts(name), {"metadata": {"name": "default"}})
    assert answer.status in (201, 409)
    return name


def accounts(namespace):
    return f"{NAMESPACES}/{namespace}/serviceaccounts"


def pods(namespace):
    return f"{NAMESPACES}/{namespace}/pods"


def pod(metadata=None, **spec):
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": metadata or {"name": "p"}, "spec": {"containers": containers, **spec}}


@pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
@pytest.mark.parametrize("query", [{}, {"dryRun": "All"}])
def test_a_pod_whose_account_is_missing_is_refused(client, namespace, field, query):
    answer = client.post(pods(namespace), pod(**{field: "nobody"}), **query)
    assert answer.status == 403
    assert answer.message == (
        f'pods "p" is forbidden: error looking up service account {namespace}/nobody: '
        'serviceaccount "nobody" not found'
    )
    assert answer.body["reason"] == "Forbidden"
    assert answer.body["details"] == {"name": "p", "kind": "pods"}
    assert client.get(f"{pods(namespace)}/p").status == 404


def test_a_name_that_is_yet_to_be_made_is_told_by_its_beginning(client, namespace):
    wanted = pod({"generateName": "iris-"}, serviceAccountName="nobody")
    assert client.post(pods(namespace), wanted).message.startswith('pods "iris-" is forbidden')


def test_an_applied_pod_is_refused_too_and_before_its_fields_are_looked_at(client, namespace):
    broken = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    wanted = broken | {"spec": {"serviceAccountName": "nobody"}}
    assert client.apply(f"{pods(namespace)}/p", wanted, "m").status == 403
    assert client.post(pods(namespace), wanted).status == 403


def test_with_its_account_it_is_made_and_outlives_it(client, namespace):
    assert client.post(pods(namespace), pod({"name": "plain"})).status == 201
    assert client.post(accounts(namespace), {"metadata": {"name": "reader"}}).status == 201
    wanted = pod(serviceAccountName="reader")
    # The real server learns of an account a moment after it is made.
    while (answer := client.post(pods(namespace), wanted)).status == 403:
        assert "not found" in answer.message
    assert answer.status == 201
    assert client.delete(f"{accounts(namespace)}/reader").status == 200
    labelled = client.patch(f"{pods(namespace)}/p", {"metadata": {"labels": {"a": "b"}}})
    assert labelled.status == 200
