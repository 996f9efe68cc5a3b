"""A revision changes with all that changes a predictor's pods, and with nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdep_samples import MISSING, changed, deployment, pod, predictor, unit

from seldon_deployer.manifest.revision import revision_of, revisions, stamp_revisions

FIRST = ("spec", "predictors", 0)
NO_ENGINE = {"seldon.io/no-engine": "true"}
PLAIN = deployment(
    predictor(
        annotations={"a": "1"},
        componentSpecs=[pod("classifier")],
        replicas=1,
        traffic=100,
    ),
    replicas=1,
    annotations={"s": "1"},
)
BARE = changed(PLAIN, *FIRST, "annotations", to={"a": "1", **NO_ENGINE})


def revision(obj: dict[str, Any], fingerprint: str = "bytes", index: int = 0) -> str:
    return revision_of(obj["spec"]["predictors"][index], obj["spec"], fingerprint)


BESIDE_ALL_PODS = [
    ("metadata", "labels"),
    ("metadata", "annotations"),
    ("metadata", "generation"),
    ("status",),
    ("spec", "replicas"),
    ("spec", "name"),
    ("spec", "oauth_key"),
    (*FIRST, "traffic"),
    (*FIRST, "replicas"),
    (*FIRST, "explainer"),
]
BESIDE_UNITS = [
    (*FIRST, "svcOrchSpec"),
    (*FIRST, "engineResources"),
    (*FIRST, "progressDeadlineSeconds"),
    *(
        (*FIRST, "componentSpecs", 0, name)
        for name in ("replicas", "hpaSpec", "kedaSpec", "pdbSpec")
    ),
]
REACHES_PODS = [
    ("spec", "protocol"),
    ("spec", "transport"),
    ("spec", "annotations"),
    (*FIRST, "labels"),
    (*FIRST, "shadow"),
    (*FIRST, "ssl"),
    (*FIRST, "annotations"),
    (*FIRST, "graph", "modelUri"),
    (*FIRST, "graph", "parameters"),
    (*FIRST, "graph", "logger"),
    (*FIRST, "graph", "envSecretRefName"),
    (*FIRST, "componentSpecs", 0, "metadata"),
    (*FIRST, "componentSpecs", 0, "spec", "terminationGracePeriodSeconds"),
    (*FIRST, "componentSpecs", 0, "spec", "containers", 0, "image"),
    (*FIRST, "componentSpecs", 0, "spec", "containers", 0, "env"),
]

values = st.none() | st.integers() | st.text(max_size=4) | st.just({"new": "value"})


@pytest.mark.parametrize("base", [PLAIN, BARE], ids=["orchestrator", "none"])
@pytest.mark.parametrize("path", BESIDE_ALL_PODS, ids=lambda path: ".".join(map(str, path)))
@given(value=values)
def test_what_reaches_no_pod_changes_nothing(
    base: dict[str, Any], path: tuple[str | int, ...], value: Any
) -> None:
    assert revision(changed(base, *path, to=value)) == revision(base)


@pytest.mark.parametrize("path", BESIDE_UNITS, ids=lambda path: ".".join(map(str, path)))
@given(value=values)
def test_what_only_the_orchestrator_sees_counts_where_there_is_one(
    path: tuple[str | int, ...], value: Any
) -> None:
    assert revision(changed(BARE, *path, to=value)) == revision(BARE)
    assert revision(changed(PLAIN, *path, to=value)) != revision(PLAIN)


@pytest.mark.parametrize("base", [PLAIN, BARE], ids=["orchestrator", "none"])
@pytest.mark.parametrize("path", REACHES_PODS, ids=lambda path: ".".join(map(str, path)))
@given(value=st.just([]) | st.just({"new": "value"}))
def test_what_reaches_a_pod_changes_the_revision(
    base: dict[str, Any], path: tuple[str | int, ...], value: Any
) -> None:
    assert revision(changed(base, *path, to=value)) != revision(base)


def test_the_artifacts_bytes_count() -> None:
    assert revision(PLAIN, "other bytes") != revision(PLAIN, "bytes")


def test_the_orchestrators_coming_and_going_counts() -> None:
    assert revision(PLAIN) != revision(BARE)


def test_removing_the_first_predictor_rolls_the_survivor_for_its_metrics_port_moves() -> None:
    both = deployment(predictor("main", traffic=50), predictor("canary", traffic=50))
    alone = changed(both, "spec", "predictors", 0, to=MISSING)

    assert revision(alone, index=0) != revision(both, index=1)


def test_removing_the_second_predictor_leaves_the_first_alone() -> None:
    both = deployment(predictor("main", traffic=50), predictor("canary", traffic=50))
    alone = changed(both, "spec", "predictors", 1, to=MISSING)

    assert revision(alone) == revision(both)


@given(st.permutations(["modelUri", "implementation", "name", "endpoint"]))
def test_the_order_of_fields_does_not_count(order: list[str]) -> None:
    graph = unit(endpoint={"type": "REST"})
    shuffled = {name: graph[name] for name in order}

    assert revision(deployment(predictor(graph=shuffled))) == revision(
        deployment(predictor(graph=graph))
    )


def test_stamping_marks_each_predictor_and_nothing_else() -> None:
    obj = deployment(predictor("a", annotations={"x": "y"}), predictor("b"))
    before = deepcopy(obj)

    stamped = stamp_revisions(obj, "bytes")

    assert obj == before
    assert revisions(stamped) == {
        "a": revision(obj, index=0),
        "b": revision(obj, index=1),
    }
    assert stamped["spec"]["predictors"][0]["annotations"]["x"] == "y"
    assert stamp_revisions(stamped, "bytes") == stamped


def test_predictors_without_a_stamp_are_left_out() -> None:
    assert revisions(deployment()) == {}
    assert revisions({}) == {}
