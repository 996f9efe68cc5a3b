"""Graphs as users write them: the values, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_strategies import graphs
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from seldon_deployer import graph as words
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import ConfigError, InvalidFields
from seldon_deployer.graph import (
    ABTest,
    Chain,
    Combiner,
    Graph,
    Model,
    OutputTransformer,
    Router,
    Transformer,
    components,
    units,
)
from seldon_deployer.workload import HPA, SecretKey

READER: TypeAdapter[Graph] = TypeAdapter(Graph)
IRIS = Model("iris", model_uri="s3://models/iris")
WINE = Model("wine", model_uri="s3://models/wine")
SCALE = Transformer("scale", python_class="flowers.Scale")
LABELS = OutputTransformer("labels", python_class="flowers.Labels")


@given(graphs())
def test_a_graph_is_read_back_from_its_json(graph):
    assert READER.validate_json(READER.dump_json(graph)) == graph


@given(graphs())
def test_a_graph_without_its_defaults_still_tells_what_it_is(graph):
    written = READER.dump_python(graph, mode="json", exclude_defaults=True)
    assert READER.validate_python(written) == graph


@given(graphs())
def test_a_graph_prints_as_the_python_that_makes_it(graph):
    names = {name: getattr(words, name) for name in words.__all__} | {"SecretKey": SecretKey}
    assert eval(repr(graph), {**names, "HPA": HPA, type(Path()).__name__: Path}) == graph


@given(graphs(), graphs(prefix="x"), graphs(prefix="y"))
def test_steps_may_be_joined_in_any_grouping(first, second, third):
    def join(one, other):
        try:
            return one >> other
        except InvalidFields:
            return None

    left = (both := join(first, second)) and join(both, third)
    right = (both := join(second, third)) and join(first, both)
    assert left == right


@given(graphs())
def test_every_unit_is_in_exactly_one_pod(graph):
    placed = [unit.name for pod in components(graph) for unit in pod.units]
    assert sorted(placed) == sorted(unit.name for unit in units(graph))


def test_a_file_reads_like_the_python():
    written = {
        "kind": "chain",
        "steps": [
            {"kind": "transformer", "name": "scale", "pythonClass": "flowers.Scale"},
            {
                "kind": "combiner",
                "name": "vote",
                "image": "vote:1",
                "children": [
                    {"kind": "model", "name": "iris", "modelUri": "s3://models/iris"},
                    {"kind": "model", "name": "wine", "model_uri": "s3://models/wine"},
                ],
            },
            {"kind": "output-transformer", "name": "labels", "python_class": "flowers.Labels"},
        ],
    }
    assert (
        READER.validate_python(written)
        == SCALE >> Combiner("vote", [IRIS, WINE], image="vote:1") >> LABELS
    )


def test_environment_may_be_pasted_from_a_container():
    written = {
        "kind": "model",
        "name": "iris",
        "image": "iris:1",
        "env": [
            {"name": "LEVEL", "value": "3"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}},
        ],
    }
    read = READER.validate_python(written)
    assert read.env == {"LEVEL": "3"}
    assert read.env_from_secrets == {"TOKEN": SecretKey(secret="api", key="token")}


WRONG = {
    "a name with a dot": (lambda: Model("a.b", image="x"), "no name of a unit"),
    "a name in capitals": (lambda: Model("Iris", image="x"), "no name of a unit"),
    "a name that begins with a digit": (lambda: Model("1st", image="x"), "no name of a unit"),
    "a name too long for its label": (lambda: Model("a" * 49, image="x"), "longer than 48"),
    "the orchestrator's name": (
        lambda: Model("seldon-container-engine", image="x"),
        "that Seldon adds",
    ),
    "nothing to run": (lambda: Model("iris"), "give model_uri, or python_class or image"),
    "a transformer of nothing": (lambda: Transformer("scale"), "give python_class, or the image"),
    "a transformer from an artifact alone": (
        lambda: Transformer("scale", model_uri="s3://a"),
        "give python_class, or the image",
    ),
    "two servers": (
        lambda: Model("a", implementation="SKLEARN_SERVER", python_class="b.C", model_uri="s3://x"),
        "two servers",
    ),
    "a folder without a class": (lambda: Model("a", image="x", code_path="."), "give both"),
    "env that we write": (
        lambda: Model("a", python_class="b.C", env={"MODEL_NAME": "x"}),
        "MODEL_NAME is written for python_class",
    ),
    "env that is no name": (lambda: Model("a", image="x", env={"A B": "x"}), "no name of an env"),
    "resources that are none": (
        lambda: Model("a", image="x", resources={"requests": {"cpu": "much"}}),
        "no quantity",
    ),
    "replicas in a shared pod": (lambda: Model("a", image="x", replicas=2), "own_pod=True"),
    "two that say how many": (
        lambda: Model("a", image="x", own_pod=True, replicas=2, hpa=HPA(max_replicas=3)),
        "both say how many",
    ),
    "a router without branches": (lambda: Router("r", [], python_class="b.C"), "0 branches"),
    "a combiner of one": (lambda: Combiner("c", [IRIS], python_class="b.C"), "1 branches"),
    "a chain of one": (lambda: Chain([IRIS]), "two steps or more"),
    "a share above one": (lambda: ABTest(IRIS, WINE, ratio=1.5), "less than or equal to 1"),
    "one name twice": (lambda: IRIS >> IRIS, "given to several units: iris"),
    "one name twice, far apart": (
        lambda: SCALE >> ABTest(IRIS, Combiner("c", [IRIS, WINE], image="x")),
        "given to several units: iris",
    ),
    "an A/B test named like a model": (
        lambda: ABTest(IRIS, WINE, name="iris"),
        "given to several units: iris",
    ),
    "nothing to post-process": (lambda: LABELS >> IRIS, "nothing before it"),
    "a branch that only post-processes": (lambda: ABTest(LABELS, IRIS), "nothing before it"),
    "a model after post-processing": (
        lambda: IRIS >> LABELS >> WINE,
        "wine cannot follow the output transformer labels",
    ),
    "a model after branches": (
        lambda: ABTest(IRIS, WINE) >> Model("last", image="x"),
        "last cannot follow ab-test",
    ),
    "two accounts in one pod": (
        lambda: (
            Model("a", image="x", service_account_name="one")
            >> Model("b", image="x", service_account_name="two")
        ),
        "units of one pod have one service_account_name",
    ),
    "a field there is not": (lambda: Model("a", imgae="x"), "imgae"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_with_the_reason(case):
    build, reason = WRONG[case]
    with pytest.raises(InvalidFields) as caught:
        build()
    assert reason in str(caught.value)


def test_an_output_transformer_alone_is_no_graph():
    with pytest.raises(ValidationError, match="nothing before it"):
        READER.validate_python(LABELS)


def test_a_wrong_part_of_a_file_is_told_with_its_place():
    written = {
        "kind": "router",
        "name": "r",
        "image": "x",
        "children": [{"kind": "model", "name": "a", "image": "x"}, {"kind": "modle", "name": "b"}],
    }
    with pytest.raises(ValidationError) as caught:
        READER.validate_python(written)
    assert [error["loc"] for error in caught.value.errors()] == [("router", "children", 1)]


def test_only_graphs_are_joined():
    with pytest.raises(TypeError):
        IRIS >> "wine"


def test_relative_paths_are_made_whole_where_the_user_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unit = Model("a", model_uri="models/a", python_class="b.C", code_path="src")
    assert unit.model_uri == str(tmp_path / "models" / "a")
    assert unit.code_path == tmp_path / "src"


def test_units_with_their_own_pods_stand_behind_the_shared_one():
    graph = Transformer("scale", image="x", own_pod=True, replicas=3) >> IRIS >> LABELS
    assert [[unit.name for unit in pod.units] for pod in components(graph)] == [
        ["iris", "labels"],
        ["scale"],
    ]
    assert [pod.replicas for pod in components(graph)] == [None, 3]


def test_a_bandit_is_a_router_of_ours_and_can_be_written_down():
    bandit = Router.bandit("choose", [IRIS, WINE], algorithm="epsilon-greedy", epsilon=0.2, seed=1)
    assert bandit.python_class == "seldon_deployer.server.bandit.EpsilonGreedy"
    assert bandit.parameters == {"branches": 2, "epsilon": 0.2, "seed": 1}
    assert READER.validate_python(READER.dump_python(bandit)) == bandit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"algorithm": "ucb"}, "no algorithm 'ucb'"),
        ({"epsilon": 0.1}, "thompson-sampling has no epsilon"),
    ],
)
def test_a_bandit_says_what_it_does_not_know(options, words):
    with pytest.raises(ConfigError, match=words):
        Router.bandit("choose", [IRIS, WINE], **options)


def test_a_bandit_cannot_learn_without_feedback():
    with pytest.raises(InvalidFields, match="choose learns from feedback"):
        DeploymentConfig(model_name="m", graph=Router.bandit("choose", [IRIS]), protocol="v2")
