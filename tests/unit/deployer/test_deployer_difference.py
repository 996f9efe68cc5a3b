"""The text of a difference: what was asked for, and nothing that the API server adds."""

from __future__ import annotations

from copy import deepcopy

from seldon_deployer.deployer.difference import Difference

COPY = "kubectl.kubernetes.io/last-applied-configuration"
LIVE = {
    "apiVersion": "machinelearning.seldon.io/v1",
    "kind": "SeldonDeployment",
    "metadata": {"name": "iris", "namespace": "models", "annotations": {"a": "1"}},
    "spec": {"replicas": 1, "predictors": [{"name": "default"}]},
}


def test_what_the_api_server_and_kubectl_add_is_no_difference():
    after = deepcopy(LIVE)
    after["metadata"] |= {"uid": "u", "generation": 2, "managedFields": [{}], "labels": {}}
    after["metadata"]["annotations"][COPY] = "{}"
    after["status"] = {"state": "Creating"}
    assert not Difference(LIVE, after)
    assert str(Difference(LIVE, after)) == ""


def test_what_had_no_note_but_kubectls_has_none():
    bare = deepcopy(LIVE)
    del bare["metadata"]["annotations"]
    copied = deepcopy(LIVE)
    copied["metadata"]["annotations"] = {COPY: "{}"}
    assert not Difference(bare, copied)
    assert str(Difference(bare, copied)) == ""


def test_the_order_of_keys_is_no_difference():
    after = {key: LIVE[key] for key in reversed(LIVE)}
    assert not Difference(LIVE, after)
    assert str(Difference(LIVE, after)) == ""


def test_a_change_is_a_unified_diff():
    after = deepcopy(LIVE)
    after["spec"]["replicas"] = 2
    difference = Difference(LIVE, after)
    assert difference
    lines = str(difference).splitlines()
    assert lines[:2] == ["--- live/iris", "+++ deployed/iris"]
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-  replicas: 1", "+  replicas: 2"]


def test_where_there_is_none_all_is_new():
    difference = Difference(None, LIVE)
    assert difference
    assert difference.name == "iris"
    assert str(difference).count("\n-") == 0
