"""Inference graphs as the user writes them: values, the tree Seldon makes of them, drawings."""

from seldon_deployer.graph.drawing import draw_graph, draw_predictor
from seldon_deployer.graph.nodes import (
    ABTest,
    Chain,
    Combiner,
    Graph,
    Model,
    OutputTransformer,
    Router,
    Transformer,
    units,
)
from seldon_deployer.graph.tree import Component, TreeNode, components, lay_out, write_graph
from seldon_deployer.graph.unit import Unit

__all__ = [
    "ABTest",
    "Chain",
    "Combiner",
    "Component",
    "Graph",
    "Model",
    "OutputTransformer",
    "Router",
    "Transformer",
    "TreeNode",
    "Unit",
    "components",
    "draw_graph",
    "draw_predictor",
    "lay_out",
    "units",
    "write_graph",
]
