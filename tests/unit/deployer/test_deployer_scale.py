"""Stopping and starting what has several sizes."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.deployer import scale
from seldon_deployer.manifest.expected import expected_deployments

HPA = {"minReplicas": 1, "maxReplicas": 3}
SIZES = st.sampled_from(({}, {"replicas": 2}, {"hpaSpec": HPA}, {"kedaSpec": {"triggers": []}}))


def owned(spec, annotations):
    """A live resource whose whole spec and annotations are ours."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {
            "name": "iris",
            "namespace": "models",
            "annotations": annotations,
            "managedFields": [
                {
                    "manager": "seldon-deployer",
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:metadata": {"f:annotations": {f"f:{key}": {} for key in annotations}},
                        "f:spec": {f"f:{key}": {} for key in spec},
                    },
                }
            ],
        },
        "spec": spec,
    }


def applied(manifest):
    """What is live after a manifest was applied."""
    return owned(manifest["spec"], manifest["metadata"].get("annotations") or {})


@st.composite
def specs(draw):
    predictors = [
        {
            "name": f"p{number}",
            "graph": {"name": "a"},
            "componentSpecs": [
                {"spec": {"containers": [{"name": name}]}, **draw(SIZES)}
                for name in ("a", "b")[: draw(st.integers(1, 2))]
            ],
            **draw(st.sampled_from(({}, {"replicas": 4}, {"svcOrchSpec": {"replicas": 2}}))),
        }
        for number in range(draw(st.integers(1, 2)))
    ]
    spec = {"replicas": draw(st.integers(1, 3)), "predictors": predictors}
    if draw(st.booleans()):
        spec["annotations"] = {"seldon.io/engine-separate-pod": "true"}
    return spec


@given(specs())
def test_a_stop_leaves_no_pod_and_a_start_brings_everything_back(spec):
    running = owned(deepcopy(spec), {"other": "kept"})
    stopped = applied(scale.stopped(running))
    assert {each.replicas for each in expected_deployments(stopped).values()} == {0}
    started = scale.started(stopped)
    # An orchestrator of its own that was told no size has been told one now.
    for one, before in zip(started["spec"]["predictors"], spec["predictors"], strict=True):
        if "annotations" in spec and "svcOrchSpec" not in before:
            assert one.pop("svcOrchSpec") == {"replicas": 1}
    assert started["spec"] == spec
    assert started["metadata"]["annotations"] == {"other": "kept"}


@given(specs())
def test_a_second_stop_changes_nothing(spec):
    once = scale.stopped(owned(deepcopy(spec), {}))
    assert scale.stopped(applied(deepcopy(once))) == once


@given(specs())
def test_starting_what_runs_changes_nothing(spec):
    assert scale.started(owned(deepcopy(spec), {}))["spec"] == spec


@pytest.mark.parametrize("replicas", [1, 3])
def test_one_size_alone_needs_no_note_of_others(replicas):
    spec = {"replicas": replicas, "predictors": [{"name": "default", "graph": {"name": "iris"}}]}
    annotations = scale.stopped(owned(spec, {}))["metadata"]["annotations"]
    assert annotations == {scale.REPLICAS_ANNOTATION: str(replicas)}
