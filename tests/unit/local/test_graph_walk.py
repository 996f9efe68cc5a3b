"""The walk over a graph, apart from HTTP: each unit wraps what it gets in its name."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.local.graph_unit import GraphUnit, decode_predictor, read_graph
from seldon_deployer.local.unit_calls import (
    ConnectionDropped,
    Dialect,
    Message,
    WalkFailed,
    read_branch,
)
from seldon_deployer.local.walk import Walk

NAMES = st.uuids().map(lambda number: f"u{number.hex[:8]}")
KINDS = st.sampled_from(
    ("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER", "ROUTER", "COMBINER", "", "UNKNOWN_TYPE")
)


def graphs():
    leaves = st.builds(GraphUnit, NAMES, KINDS, host=st.just("localhost"))
    return st.recursive(
        leaves,
        lambda below: st.builds(
            GraphUnit,
            NAMES,
            KINDS,
            host=st.just("localhost"),
            children=st.lists(below, min_size=1, max_size=3).map(tuple),
        ),
        max_leaves=8,
    )


class Units:
    """Units that wrap; `branches` is what routers answer, `failing` the ones that fail."""

    def __init__(self, branches=(), failing=()) -> None:
        self.branches = dict(branches)
        self.failing = failing
        self.asked: list[tuple[str, str]] = []

    async def ask(self, unit, step, message):
        self.asked.append((unit.name, step))
        await asyncio.sleep(0)
        if unit.name in self.failing:
            raise WalkFailed(unit.name)
        if step == "route":
            return Message(json.dumps([self.branches.get(unit.name, 0)]).encode())
        inner = json.loads(message.body)
        return Message(json.dumps({unit.name: inner, "meta": {}}).encode())


def predict(graph, units, **options):
    walk = Walk(units.ask, **options)
    return asyncio.run(walk.predict(graph, Message(b'"request"')))


def unit(name, kind="MODEL", *children, **fields):
    return GraphUnit(name, kind, host="localhost", children=children, **fields)


@given(graphs())
def test_every_unit_is_asked_at_most_once_for_each_step(graph):
    units = Units()
    predict(graph, units)
    assert len(units.asked) == len(set(units.asked))


@given(graphs())
def test_what_a_unit_does_depends_on_its_type_alone(graph):
    units = Units()
    predict(graph, units)
    steps = {
        "MODEL": {"predict"},
        "TRANSFORMER": {"transform-input"},
        "OUTPUT_TRANSFORMER": {"transform-output"},
        "ROUTER": {"route"},
        "COMBINER": {"aggregate"},
    }
    kinds = {each.name: each.type for each in graph.walk()}
    for name, step in units.asked:
        assert step in steps[kinds[name]]


@given(graphs(), graphs())
def test_below_a_router_only_the_chosen_branch_is_asked(first, second):
    units = Units({"router": 1})
    predict(unit("router", "ROUTER", first, second), units)
    below = {each.name for each in second.walk()} | {"router"}
    assert {name for name, _ in units.asked} <= below


def test_all_branches_are_asked_when_the_router_says_so_and_the_first_answers():
    units = Units({"router": -1})
    answer = predict(unit("router", "ROUTER", unit("a"), unit("b")), units)
    assert units.asked == [("router", "route"), ("a", "predict"), ("b", "predict")]
    assert json.loads(answer.body) == {"a": "request", "meta": {}}


def test_a_router_that_stops_answers_with_the_request_and_output_goes_on():
    units = Units({"router": -2})
    graph = unit("labels", "OUTPUT_TRANSFORMER", unit("router", "ROUTER", unit("a"), unit("b")))
    answer = predict(graph, units)
    assert units.asked == [("router", "route"), ("labels", "transform-output")]
    assert json.loads(answer.body) == {"labels": "request", "meta": {}}


@pytest.mark.parametrize("branch", [2, -3])
def test_a_branch_that_is_not_there_drops_the_connection(branch):
    with pytest.raises(ConnectionDropped, match="counted from 0"):
        predict(unit("router", "ROUTER", unit("a"), unit("b")), Units({"router": branch}))


@pytest.mark.parametrize(
    ("ratio", "chance", "chosen"),
    [(0.2, 0.1, "a"), (0.2, 0.2, "b"), (0.0, 0.0, "b"), (1, 0.9, "a")],
)
def test_an_ab_test_chooses_by_chance(ratio, chance, chosen):
    graph = GraphUnit(
        "ab", implementation="RANDOM_ABTEST", ratio=ratio, children=(unit("a"), unit("b"))
    )
    units = Units()
    predict(graph, units, chance=lambda: chance)
    assert units.asked == [(chosen, "predict")]


@pytest.mark.parametrize(
    ("parameters", "ratio"),
    [
        ([{"name": "ratioA", "value": "0.3"}], 0.3),
        ([{"name": "ratioA", "value": "0.3"}, {"name": "other", "value": "1"}], 0.5),
        ([{"name": "ratio", "value": "0.3"}], 0.5),
        ([{"name": "ratioA", "value": "much"}], 0.5),
        ([], 0.5),
    ],
)
def test_a_ratio_is_read_where_it_is_the_only_parameter(parameters, ratio):
    assert read_graph({"name": "ab", "parameters": parameters}).ratio == ratio


def test_the_first_branch_that_fails_counts_and_all_were_asked():
    units = Units(failing={"b", "c"})
    graph = unit("vote", "COMBINER", unit("a"), unit("b"), unit("c"))
    with pytest.raises(WalkFailed, match="b"):
        predict(graph, units)
    assert [name for name, _ in units.asked] == ["a", "b", "c"]


def test_branches_that_answer_no_json_cannot_be_combined():
    async def ask(_unit, _step, _message):
        return Message(b"plain")

    walk = Walk(ask)
    with pytest.raises(WalkFailed, match="Data is not JSON"):
        asyncio.run(walk.predict(unit("vote", "COMBINER", unit("a"), unit("b")), Message(b"1")))


def test_routing_is_told_where_it_is_asked_for():
    vote = unit("vote", "COMBINER", unit("b"), unit("c"))
    graph = unit("scale", "TRANSFORMER", unit("router", "ROUTER", unit("a"), vote))
    units = Units({"router": 1})
    answer = json.loads(predict(graph, units, injects_routing=True).body)
    assert answer["meta"]["routing"] == {
        "scale": -1,
        "router": 1,
        "vote": -1,
        "b": -1,
        "c": -1,
    }
    assert json.loads(predict(graph, Units({"router": 1})).body)["meta"] == {}


@pytest.mark.parametrize(
    ("routing", "told"),
    [
        ({"router": 0}, ["a", "router"]),
        ({"router": 1}, ["b", "router"]),
        ({"router": -1}, ["a", "b", "router"]),
        ({}, ["a", "b", "router"]),
        ({"router": "one"}, ["a", "b", "router"]),
    ],
)
def test_feedback_goes_where_the_request_went(routing, told):
    units = Units()
    feedback = Message(json.dumps({"response": {"meta": {"routing": routing}}}).encode())
    graph = unit("router", "ROUTER", unit("a"), unit("b"))
    answer = asyncio.run(Walk(units.ask).send_feedback(graph, feedback))
    assert [name for name, _ in units.asked] == told
    assert "router" in json.loads(answer.body)


def test_feedback_that_the_first_unit_is_not_told_comes_back():
    units = Units()
    feedback = Message(b'{"reward": 1}')
    graph = unit("scale", "TRANSFORMER", unit("a"))
    assert asyncio.run(Walk(units.ask).send_feedback(graph, feedback)) is feedback
    assert units.asked == [("a", "send-feedback")]


V2 = Dialect(is_v2=True)


def test_v2_outputs_become_the_next_units_inputs():
    message = Message(b'{"id": "1", "model_name": "a", "outputs": [{"data": [1.0, 0.5]}]}')
    assert V2.chain(message).body == b'{"id":"1","inputs":[{"data":[1,0.5]}],"model_name":"a"}'


def test_a_v2_request_goes_on_as_it_is():
    message = Message(b'{ "inputs": [] }')
    assert V2.chain(message) is message


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"{}", WalkFailed, "could be chained"),
        (b"[1]", ConnectionDropped, "no JSON object"),
        (b"\x1f\x8b\x08", WalkFailed, "decode"),
    ],
)
def test_what_is_no_v2_body_ends_the_walk(body, error, says):
    with pytest.raises(error, match=says):
        V2.chain(Message(body))


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ("predict", "/v2/models/a/infer"),
        ("transform-output", "/v2/models/a/infer"),
        ("route", "/v2/models/a/route"),
        ("aggregate", "/v2/models/a/aggregate"),
        ("status", "/v2/models/a/ready"),
    ],
)
def test_v2_units_are_asked_by_name_or_by_the_name_of_the_request(step, path):
    assert V2.path(step, "a") == path
    assert Dialect(is_v2=True, model="x").path(step, "a") == path.replace("/a/", "/x/")


@pytest.mark.parametrize(
    ("body", "branch"),
    [
        (b"[1]", 1),
        (b"[[2, 3]]", 2),
        (b'{"data": {"ndarray": [[1]]}}', 1),
        (b'{"data": {"ndarray": [1.9]}}', 1),
        (b'{"data": {"tensor": {"shape": [1], "values": [-1]}}}', -1),
        (b'{"data": {"tensor": {"shape": [1], "values": [0]}}}', 0),
    ],
)
def test_a_branch_is_the_first_number_of_an_answer(body, branch):
    assert read_branch(body) == branch


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"data": {"ndarray": []}}', ConnectionDropped),
        (b'{"data": {"ndarray": ["one"]}}', ConnectionDropped),
        (b'{"data": {"ndarray": [true]}}', ConnectionDropped),
        (b'{"strData": "one"}', ConnectionDropped),
        (b"{}", ConnectionDropped),
        (b"[]", ConnectionDropped),
        (b'{"outputs": [{"data": [1]}]}', WalkFailed),
        (b"one", WalkFailed),
    ],
)
def test_an_answer_without_a_branch_is_told_apart(body, error):
    with pytest.raises(error):
        read_branch(body)


@pytest.mark.parametrize("text", ["", "!", "e30=", "W10="])
def test_a_variable_that_holds_no_predictor_is_refused(text):
    with pytest.raises(ValueError):
        decode_predictor(text)
