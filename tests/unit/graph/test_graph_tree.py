"""The tree that Seldon walks for a graph: it does what the graph reads as."""

from __future__ import annotations

import pytest
from graph_strategies import graphs
from hypothesis import given

from seldon_deployer.graph import (
    ABTest,
    Chain,
    Combiner,
    Model,
    OutputTransformer,
    Router,
    Transformer,
    lay_out,
    units,
    write_graph,
)
from seldon_deployer.manifest.crd import shared_schema


def read(graph, message):
    """What a graph answers, as it reads: each step wraps the message in its name."""
    if isinstance(graph, Chain):
        for step in graph.steps:
            message = read(step, message)
        return message
    if isinstance(graph, Combiner):
        return f"{graph.name}({','.join(read(each, message) for each in graph.branches)})"
    if isinstance(graph, (Router, ABTest)):
        return read(graph.branches[-1], message)
    return f"{graph.name}({message})"


def walk(unit, message):
    """What Seldon's orchestrator answers for a manifest's graph, which takes the last branch."""
    kind, children = unit.get("type"), unit.get("children", [])
    if kind in ("MODEL", "TRANSFORMER"):
        message = f"{unit['name']}({message})"
    if children:
        takes_one = kind == "ROUTER" or unit.get("implementation") == "RANDOM_ABTEST"
        answers = [walk(each, message) for each in (children[-1:] if takes_one else children)]
        combined = f"{unit['name']}({','.join(answers)})"
        message = combined if kind == "COMBINER" else answers[0]
    if kind == "OUTPUT_TRANSFORMER":
        message = f"{unit['name']}({message})"
    return message


def write_unit(unit):
    return {"name": unit.name, "type": unit.seldon_type}


@given(graphs())
def test_seldon_does_what_the_graph_reads_as(graph):
    assert walk(write_graph(graph, write_unit), "request") == read(graph, "request")


@given(graphs())
def test_the_tree_has_every_node_once(graph):
    in_tree = [each.node.name for each in lay_out(graph).walk()]
    assert len(in_tree) == len(set(in_tree))
    assert {unit.name for unit in units(graph)} <= set(in_tree)


@given(graphs())
def test_only_routers_combiners_and_tests_have_several_children(graph):
    for each in lay_out(graph).walk():
        if len(each.children) > 1:
            assert isinstance(each.node, (Router, Combiner, ABTest))


def test_an_output_transformer_is_above_what_it_transforms():
    graph = (
        Transformer("scale", image="x")
        >> Model("iris", image="x")
        >> OutputTransformer("labels", image="x")
        >> OutputTransformer("last", image="x")
    )
    assert write_graph(graph, lambda unit: {"name": unit.name}) == {
        "name": "last",
        "children": [
            {"name": "labels", "children": [{"name": "scale", "children": [{"name": "iris"}]}]}
        ],
    }


@pytest.mark.parametrize("ratio", [0, 0.1, 1 / 3, 1])
def test_an_ab_test_is_built_into_the_orchestrator(ratio):
    graph = ABTest(Model("a", image="x"), Model("b", image="x"), ratio=ratio)
    written = write_graph(graph, lambda unit: {"name": unit.name})
    assert written == {
        "name": "ab-test",
        "implementation": "RANDOM_ABTEST",
        "parameters": [{"name": "ratioA", "value": str(float(ratio)), "type": "FLOAT"}],
        "children": [{"name": "a"}, {"name": "b"}],
    }
    assert float(written["parameters"][0]["value"]) == ratio


def test_a_graph_has_at_most_the_levels_that_the_resource_holds():
    schema = shared_schema()["properties"]["spec"]["properties"]["predictors"]["items"]
    unit, levels = schema["properties"]["graph"], 1
    while children := unit["properties"].get("children"):
        unit, levels = children["items"], levels + 1
    steps = [Model(f"m{number}", image="x") for number in range(levels + 1)]
    assert len(list(lay_out(Chain(steps[:levels])).walk())) == levels
    with pytest.raises(ValueError, match=f"{levels + 1} steps in a row"):
        Chain(steps)
    with pytest.raises(ValueError, match=f"{levels + 1} steps in a row"):
        steps[0] >> ABTest(steps[1], Chain(steps[2:])) >> OutputTransformer("o", image="x")
