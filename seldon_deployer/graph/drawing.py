"""Drawings of graphs: of the user's own, and of any manifest's predictor."""

from __future__ import annotations

from typing import Any, Literal

from seldon_deployer.graph.nodes import Graph
from seldon_deployer.graph.sketch import Flow, sketch, sketch_predictor
from seldon_deployer.graph.svg import draw_svg
from seldon_deployer.graph.text import draw_text

Form = Literal["text", "svg"]


def draw_graph(graph: Graph, form: Form = "text") -> str:
    """Draw a graph as text for a terminal, or as an `<svg>` element that stands alone."""
    return _draw(sketch(graph), form, "Inference graph")


def draw_predictor(predictor: dict[str, Any], form: Form = "text") -> str:
    """Draw the graph of a predictor of a SeldonDeployment, as the API has it."""
    return _draw(sketch_predictor(predictor), form, f"Predictor {predictor['name']}")


def _draw(flow: Flow, form: Form, title: str) -> str:
    return draw_text(flow) if form == "text" else draw_svg(flow, title)
