"""Drawings: what they show, and that they show it legibly."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

from graph_strategies import graphs
from hypothesis import given

from seldon_deployer.graph import (
    ABTest,
    Combiner,
    Model,
    OutputTransformer,
    Transformer,
    components,
    lay_out,
    write_graph,
)
from seldon_deployer.graph.drawing import draw_graph, draw_predictor

SVG = "{http://www.w3.org/2000/svg}"
VOTE = (
    Transformer("scale", python_class="flowers.Scale")
    >> Combiner(
        "vote",
        [
            Model("forest", model_uri="s3://models/forest")
            >> OutputTransformer("calibrate", image="calibrate:2"),
            ABTest(
                Model("new", model_uri="s3://m/new", implementation="SKLEARN_SERVER"),
                Model("old", model_uri="s3://m/old", implementation="SKLEARN_SERVER"),
                ratio=0.1,
            ),
        ],
        python_class="flowers.Vote",
    )
    >> OutputTransformer("labels", python_class="flowers.Labels")
)


def predictor_of(graph):
    """The predictor of a manifest for a graph, as far as drawings read it."""

    def unit(node):
        obj = {"name": node.name, "type": node.seldon_type}
        if getattr(node, "implementation", None):
            obj["implementation"] = node.implementation
        return {**obj, "modelUri": node.model_uri} if node.model_uri else obj

    def container(node):
        env = [{"name": "MODEL_NAME", "value": node.python_class}] if node.python_class else []
        obj = {"name": node.name, "env": env}
        return {**obj, "image": node.image} if node.image else obj

    specs = [{"spec": {"containers": list(map(container, pod.units))}} for pod in components(graph)]
    return {"name": "default", "graph": write_graph(graph, unit), "componentSpecs": specs}


def test_text_reads_as_the_request_goes():
    assert VOTE.text() == (
        "scale         transformer         flowers.Scale\n"
        "vote          combiner            flowers.Vote\n"
        "├─ forest     model               s3://models/forest\n"
        "│  calibrate  output transformer  calibrate:2\n"
        "└─ ab-test    A/B test            0.1 : 0.9\n"
        "   ├─ new     model               SKLEARN_SERVER, s3://m/new\n"
        "   └─ old     model               SKLEARN_SERVER, s3://m/old\n"
        "labels        output transformer  flowers.Labels"
    )


def test_text_numbers_the_pods_where_there_are_several():
    graph = Transformer("scale", image="x", own_pod=True) >> Model("iris", image="y")
    assert graph.text() == "scale  transformer  pod 2  x\niris   model        pod 1  y"


@given(graphs())
def test_a_manifest_is_drawn_like_the_graph_it_was_made_of(graph):
    assert draw_predictor(predictor_of(graph)) == draw_graph(graph)


@given(graphs())
def test_svg_stands_alone_and_names_every_node(graph):
    root = ElementTree.fromstring(graph.svg())
    assert root.tag == f"{SVG}svg"
    shown = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "n"]
    assert sorted(shown) == sorted(each.node.name for each in lay_out(graph).walk())
    assert "http" not in graph.svg().replace("http://www.w3.org/2000/svg", "")


@given(graphs())
def test_boxes_of_an_svg_lie_apart_and_inside(graph):
    root = ElementTree.fromstring(graph.svg())
    width, height = float(root.get("width")), float(root.get("height"))
    places = [
        tuple(float(each.get(name)) for name in ("x", "y", "width", "height"))
        for each in root.iter(f"{SVG}rect")
        if each.get("class") == "b"
    ]
    for x, y, wide, high in places:
        assert x >= 0 <= y
        assert x + wide <= width
        assert y + high <= height
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(places, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1


def test_what_a_user_wrote_cannot_break_out_of_the_svg():
    graph = Model("iris", image='<script>&"x"')
    root = ElementTree.fromstring(graph.svg())
    assert not list(root.iter(f"{SVG}script"))
    assert '<script>&"x"' in [each.text for each in root.iter(f"{SVG}text")]


def test_the_predictor_of_a_plain_deployment_is_drawn():
    predictor = {
        "name": "default",
        "graph": {
            "name": "classifier",
            "implementation": "SKLEARN_SERVER",
            "modelUri": "gs://seldon-models/sklearn/iris",
        },
    }
    assert draw_predictor(predictor) == (
        "classifier  model  SKLEARN_SERVER, gs://seldon-models/sklearn/iris"
    )


def test_methods_stand_for_a_type():
    predictor = {
        "name": "default",
        "graph": {
            "name": "both",
            "methods": ["AGGREGATE"],
            "children": [{"name": "a"}, {"name": "b"}],
        },
    }
    assert draw_predictor(predictor) == "both  unit\n├─ a  model\n└─ b  model"
