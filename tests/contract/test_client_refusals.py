"""Rules of a cluster that say no to those who have every right: policies, webhooks."""

from __future__ import annotations

import time

import pytest
from client import Client

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import ClusterError, ManifestError

pytestmark = pytest.mark.cluster

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULES = {
    "apiGroups": ["machinelearning.seldon.io"],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["seldondeployments"],
}
WANTED = DeploymentConfig(model_name="iris", model_uri="s3://m/1", implementation="SKLEARN_SERVER")


@pytest.fixture
def namespace(request, real_end):
    name = f"refusing-{abs(hash(request.node.name)) % 10**8}"
    client = Client(real_end)
    assert client.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    client.close()
    return name


@pytest.fixture
def deployer(real_end, namespace):
    cluster = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    yield Deployer(DeployerEnd(cluster, is_local=False, base_url=None), preflight="off")
    cluster.close()


@pytest.fixture
def make(real_end):
    """Makes rules of the cluster, and removes them in the end."""
    client, made = Client(real_end), []

    def add(plural, body):
        assert client.post(f"{GROUP}/{plural}", body).status == 201
        made.append(f"{GROUP}/{plural}/{body['metadata']['name']}")

    yield add
    for path in made:
        client.delete(path)
    client.close()


def only_in(namespace):
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def refusal_of(deployer):
    """The error of a deploy, once the rule is in force, which takes it a moment."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            deployer.diff(WANTED)
        except (ClusterError, ManifestError) as error:
            assert deployer.cluster.get(SELDON_DEPLOYMENTS, "iris") is None
            return error
    raise AssertionError("the rule does not come into force")


def test_a_policy_is_told_as_a_rule_of_the_cluster(deployer, namespace, make):
    rule = {"expression": "'team' in object.metadata.labels", "message": "a team is to be named"}
    spec = {"matchConstraints": {"resourceRules": [RULES]}, "validations": [rule]}
    make("validatingadmissionpolicies", {"metadata": {"name": namespace}, "spec": spec})
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    binding["matchResources"] = only_in(namespace)
    make("validatingadmissionpolicybindings", {"metadata": {"name": namespace}, "spec": binding})
    error = refusal_of(deployer)
    assert "a team is to be named" in error.why
    assert "ask who keeps it" in error.hint


def test_a_webhook_that_nobody_serves_is_named(deployer, namespace, make):
    hook = {
        "name": "rules.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [RULES],
        **only_in(namespace),
    }
    make(
        "validatingwebhookconfigurations",
        {"metadata": {"name": namespace}, "webhooks": [hook]},
    )
    assert "the webhook rules.example.com runs" in refusal_of(deployer).hint
