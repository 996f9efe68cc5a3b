"""The whole verdict: which judge speaks first, and the published samples' recorded verdicts."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdep_samples import MISSING, changed, custom_unit, deployment, pod, predictor, unit
from shared_data import SHARED, needs_samples

from seldon_deployer.manifest.documents import find_resources, read_documents
from seldon_deployer.manifest.verdict import judge

VALUES = [None, {}, [], "", 0, -1, "x", True, 1.5, [None], {"a": None}, [{}], {"name": None}]
ROUGH = [
    deployment(
        predictor(
            graph=custom_unit(
                children=[unit("a", parameters=[{"name": "p", "type": "INT", "value": "1"}])],
                logger={"mode": "all"},
                endpoint={"type": "REST"},
                methods=["ROUTE"],
            ),
            componentSpecs=[{**pod("classifier"), "hpaSpec": {"maxReplicas": 2, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Value"}}}
            ]}}],
            explainer={"type": "ALE"},
            annotations={"seldon.io/svc-name": "s"},
            traffic=100,
        ),
        annotations={"a": "b"},
    ),
    deployment(predictor(traffic=50), predictor("other", shadow=True), protocol="v2"),
]  # fmt: skip


def places(value):
    """Every spot of an object that a value is at, as (container, key)."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def told(obj):
    return [str(each) for each in judge(obj).violations]


@pytest.mark.parametrize("version", ["v1", "v1alpha2", "v1alpha3"])
def test_every_version_is_judged(version):
    obj = {**deployment(), "apiVersion": f"machinelearning.seldon.io/{version}"}
    assert judge(obj).is_valid
    assert judge(obj).name == "iris"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (changed(deployment(), "apiVersion", to=MISSING), "apiVersion: Required value"),
        (
            {**deployment(), "apiVersion": "machinelearning.seldon.io/v2"},
            (
                "apiVersion: Invalid value: 'machinelearning.seldon.io/v2': "
                "known are v1, v1alpha2, v1alpha3"
            ),
        ),
        (
            {**deployment(), "kind": "SeldonDeploymnt"},
            "kind: Invalid value: 'SeldonDeploymnt': did you mean SeldonDeployment?",
        ),
        (
            {**deployment(), "kind": "Model"},
            "kind: Invalid value: 'Model': machinelearning.seldon.io has only SeldonDeployment",
        ),
        (changed(deployment(), "kind", to=MISSING), "kind: Required value"),
        (
            {**deployment(), "apiVersion": "mlops.seldon.io/v1alpha1", "kind": "Model"},
            (
                "kind: Invalid value: 'Model': mlops.seldon.io is of Seldon Core v2, which is not "
                "deployed here"
            ),
        ),
        (
            changed(deployment(), "metadata", "name", to=MISSING),
            "metadata.name: Required value: name or generateName is required",
        ),
        (
            changed(deployment(), "metadata", to=MISSING),
            "metadata.name: Required value: name or generateName is required",
        ),
        (
            changed(deployment(), "metadata", "name", to=3),
            "metadata.name: Invalid value: must be a string",
        ),
        (
            changed(deployment(), "metadata", to=[]),
            "metadata.name: Required value: name or generateName is required",
        ),
        (
            changed(deployment(), "metadata", "annotations", to={"on": True}),
            "metadata.annotations: Invalid value: must be a map of strings",
        ),
        (
            changed(deployment(), "metadata", "labels", to=[]),
            "metadata.labels: Invalid value: must be a map of strings",
        ),
        (
            changed(deployment(), "metadata", "labels", to={"a": "b c"}),
            (
                "metadata.labels: Invalid value: \"b c\": at most 63 letters, digits, '-', '_', "
                "'.', a letter or digit at both ends"
            ),
        ),
        (
            changed(deployment(), "metadata", "annotations", to={"a b": "c", "A/b": "c d"}),
            ('metadata.annotations: Invalid value: "a b": no key such as name or example.com/name'),
        ),
        (
            deployment(replicas=-1),
            "spec.replicas: Invalid value: -1: should be a non-negative integer",
        ),
        (
            changed(deployment(), "metadata", to="iris"),
            "metadata: Invalid value: must be an object",
        ),
        (
            changed(deployment(), "spec", "predictors", 0, "graph", "name", to=MISSING),
            "spec.predictors[0].graph.name: Required value",
        ),
        (
            deployment(predictor(graph=custom_unit())),
            (
                'spec.predictors[0].graph: Invalid value: "classifier": '
                "Can't find container for Predictive Unit"
            ),
        ),
    ],
)
def test_what_is_wrong_is_told(obj, expected):
    assert told(obj) == [expected]


def test_a_name_to_be_generated_is_a_name():
    obj = changed(deployment(), "metadata", to={"generateName": "iris-"})
    assert told(obj) == []


def test_the_webhook_and_the_operator_are_told_at_once():
    obj = deployment(predictor("With.Dots", graph=unit(modelUri="")), protocol="x")
    fields = [problem.partition(":")[0] for problem in judge(obj).problems]
    assert fields == ["spec", "spec.predictors[0].graph", "spec.predictors[0].name"]


def test_judging_changes_nothing():
    obj = deployment(unknown={"a": None})
    before = json.dumps(obj)
    judge(obj)
    assert json.dumps(obj) == before


@given(st.data())
def test_any_object_gets_a_verdict(data):
    """Whatever a text holds in whichever place, judging it tells something and does not fail."""
    obj = deepcopy(data.draw(st.sampled_from(ROUGH)))
    for _ in range(data.draw(st.integers(1, 3))):
        place, key = data.draw(st.sampled_from(list(places(obj))))
        place[key] = deepcopy(data.draw(st.sampled_from(VALUES)))
    judge(obj)


@needs_samples
def test_the_published_samples_get_their_recorded_verdicts():
    recorded = json.loads((SHARED / "samples" / "verdicts.json").read_text())
    wrong = []
    for file in sorted({each["file"] for each in recorded}):
        documents = read_documents((SHARED / "samples" / file).read_text())
        found = [judge(obj) for document in documents for obj in find_resources(document)]
        # What only refers to one by its name was recorded as one without metadata.
        expected = [each for each in recorded if each["file"] == file and each["name"] is not None]
        assert len(found) == len(expected), file
        for verdict, known in zip(found, expected, strict=True):
            message = known["message"] or ""
            if verdict.is_valid != (known["verdict"] == "accepted") or not all(
                str(each) in message for each in verdict.violations
            ):
                wrong.append((file, verdict, message))
    assert wrong == []
    assert len(recorded) == 107
