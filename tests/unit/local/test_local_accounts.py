"""Accounts of the embedded API: `default` is always there, and a Deployment says what is not."""

from __future__ import annotations

import pytest

from seldon_deployer.local.accounts import account_key
from seldon_deployer.local.api import Api
from seldon_deployer.local.deployments import DeploymentController
from seldon_deployer.local.objects import (
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
)
from seldon_deployer.local.status import ApiError
from seldon_deployer.local.store import Store
from seldon_deployer.manifest.diagnosis import diagnose
from seldon_deployer.manifest.observation import Observation

MISSING = 'error looking up service account default/reader: serviceaccount "reader" not found'


@pytest.fixture
def api(store):
    return Api(store)


def accounts_of(api, namespace):
    return [each["metadata"]["name"] for each in api.list(SERVICE_ACCOUNTS, namespace)[0]]


def account(name):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def deployment():
    labels = {"app": "iris"}
    owner = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "name": "iris",
        "uid": "u",
        "controller": True,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris", "ownerReferences": [owner]},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "reader",
                    "containers": [{"name": "c", "image": "i"}],
                },
            },
        },
    }


def test_each_namespace_has_a_default_account_and_gets_it_back(api):
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}}
    api.create(NAMESPACES, None, space, manager="me", dry_run=True)
    assert api.list(SERVICE_ACCOUNTS, "models")[0] == []
    api.create(NAMESPACES, None, space, manager="me")
    for namespace in ("default", "models"):
        before = api.get(SERVICE_ACCOUNTS, namespace, "default")
        api.delete(SERVICE_ACCOUNTS, namespace, "default")
        after = api.get(SERVICE_ACCOUNTS, namespace, "default")
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
    api.delete(NAMESPACES, None, "models")
    with pytest.raises(ApiError, match="not found"):
        api.get(NAMESPACES, None, "models")
    assert accounts_of(api, "models") == []


def test_namespaces_of_an_older_home_get_theirs(tmp_path):
    store = Store(tmp_path / "state.db")
    Api(store)
    key = account_key("default")
    store.remove(key, store.get(key))
    assert accounts_of(Api(store), "default") == ["default"]
    store.close()


def test_a_deployment_says_that_its_account_is_missing_until_it_is_there(api):
    controller = DeploymentController(api, lambda key, moment: None)
    made = api.create(DEPLOYMENTS, "default", deployment(), manager="me")
    for _ in range(2):
        with pytest.raises(ApiError, match="reader"):
            controller.reconcile("default", "iris")
    live = api.get(DEPLOYMENTS, "default", "iris")
    [condition] = [c for c in live["status"]["conditions"] if c["type"] == "ReplicaFailure"]
    assert (condition["status"], condition["reason"]) == ("True", "FailedCreate")
    assert condition["message"].endswith(f"is forbidden: {MISSING}")
    assert condition["message"].startswith('pods "iris-')
    [event] = api.list(EVENTS, "default")[0]
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "FailedCreate", 2)
    assert event["message"] == f"Error creating: {condition['message']}"
    owner = {"metadata": {"name": "iris", "uid": "u"}, "spec": {}}
    seen = Observation(deployment=owner, deployments=[live])
    found = diagnose(owner, seen)
    assert found is not None
    assert (found.kind, found.conclusive) == ("pod-creation", True)

    api.create(SERVICE_ACCOUNTS, "default", account("reader"), manager="me")
    controller.reconcile("default", "iris")
    live = api.get(DEPLOYMENTS, "default", "iris")
    assert "ReplicaFailure" not in [c["type"] for c in live["status"]["conditions"]]
    pods, _ = api.list(PODS, "default")
    assert len(pods) == 2
    assert all(pod["metadata"]["generateName"] for pod in pods)
    assert live["metadata"]["uid"] == made["metadata"]["uid"]
