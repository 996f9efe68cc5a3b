"""Whoever wrote a SeldonDeployment before: a deploy that is undone leaves it as it was."""

from __future__ import annotations

import secrets
from copy import deepcopy

import pytest
from client import MERGE, SDEPS, Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, connect
from seldon_deployer.deployer.failure import undo

API_VERSION = "machinelearning.seldon.io/v1"
VALUES = st.sampled_from(["1", "2"])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(st.sampled_from(["a", "b"]), VALUES, min_size=1),
        "annotations": st.dictionaries(st.sampled_from(["a", "b"]), VALUES, min_size=1),
        "replicas": st.integers(1, 2),
        "protocol": st.sampled_from(["seldon", "v2"]),
        "uri": VALUES,
    },
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["argo", "kubectl", "seldon-deployer"]), st.booleans(), PARTS),
    max_size=4,
)


def manifest(parts):
    metadata = {key: parts[key] for key in ("labels", "annotations") if key in parts}
    spec = {key: parts[key] for key in ("replicas", "protocol") if key in parts}
    if "uri" in parts:
        graph = {
            "name": "m",
            "implementation": "SKLEARN_SERVER",
            "modelUri": f"s3://{parts['uri']}",
        }
        spec["predictors"] = [{"name": "default", "graph": graph}]
    return {
        "apiVersion": API_VERSION,
        "kind": "SeldonDeployment",
        "metadata": {"name": "iris", **metadata},
        **({"spec": spec} if spec else {}),
    }


def as_asked(live):
    metadata = live["metadata"]
    owners = {
        (each["manager"], each["operation"]): each["fieldsV1"] for each in metadata["managedFields"]
    }
    notes = [metadata.get(key) or {} for key in ("labels", "annotations")]
    return deepcopy((live["spec"], notes, owners))


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("real", marks=pytest.mark.cluster)]
)
def place(request):
    """A namespace of an end: a bare client, and our own."""
    end = request.getfixturevalue(f"{request.param}_end")
    client, name = Client(end), f"undo-{secrets.token_hex(4)}"
    assert client.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    cluster = connect(kubeconfig=end.kubeconfig, namespace=name)
    yield client, cluster, f"{SDEPS.format(name)}/iris"
    cluster.close()
    client.close()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=PARTS, steps=STEPS, ours=PARTS)
def test_a_deploy_that_is_undone_leaves_values_and_owners_as_they_were(place, first, steps, ours):
    client, cluster, path = place
    client.delete(path)
    whole = {"uri": "1", **first}
    assert client.apply(path, manifest(whole), "argo").status == 201
    for manager, is_apply, parts in steps:
        if is_apply:
            answer = client.apply(path, manifest({"uri": "1"} | parts), manager, force="true")
        else:
            answer = client.patch(path, manifest(parts), MERGE, fieldManager=f"{manager}-edit")
        assert answer.status == 200, answer
    previous = cluster.get(SELDON_DEPLOYMENTS, "iris")
    applied = cluster.apply(SELDON_DEPLOYMENTS, manifest({"uri": "2"} | ours), force=True)

    assert undo(cluster, applied, previous)

    assert as_asked(cluster.get(SELDON_DEPLOYMENTS, "iris")) == as_asked(previous)
