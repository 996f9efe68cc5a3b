"""Answers tell which way they came where a graph chooses one."""

from __future__ import annotations

from typing import Any

import pytest

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer.found_models import find_models
from seldon_deployer.deployer.plan import build
from seldon_deployer.graph import ABTest, Combiner, Graph, Model, Router

A, B = (Model(name, image=name) for name in "ab")
VARIABLE = "SELDON_ENABLE_ROUTING_INJECTION"


def orchestrator_env(graph: Graph, **fields: Any) -> dict[str, str]:
    config = DeploymentConfig(model_name="m", graph=graph, **fields)
    models = find_models(config, is_local=False, tell=print)
    manifest = build(config, models, namespace="n", orchestrator=True, is_local=False)
    spec = manifest["spec"]["predictors"][0].get("svcOrchSpec") or {}
    return {each["name"]: each.get("value") for each in spec.get("env", [])}


@pytest.mark.parametrize(
    "graph",
    [
        ABTest(A, B),
        Router("choose", (A, B), image="r"),
        Combiner("join", (Model("c", image="c"), ABTest(A, B)), image="j"),
        Model("first", image="f") >> ABTest(A, B),
    ],
    ids=["A/B test", "router", "nested", "in a chain"],
)
def test_a_graph_that_chooses_tells_its_choices(graph: Graph) -> None:
    assert orchestrator_env(graph) == {VARIABLE: "true"}
    # What the user says of it holds.
    given = {"env": {VARIABLE: "", "OTHER": "1"}}
    assert orchestrator_env(graph, svc_orch_spec=given) == {VARIABLE: "", "OTHER": "1"}
    # The orchestrator knows no such thing of V2.
    assert orchestrator_env(graph, protocol="v2") == {}


def test_a_graph_that_always_goes_one_way_says_nothing() -> None:
    assert orchestrator_env(Combiner("join", (A, B), image="j")) == {}
