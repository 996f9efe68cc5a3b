"""Inference graphs as the user writes them: values, and the tree that Seldon makes of them.

Drawings are in `graph.drawing`, which is loaded when one is asked for.
"""

from seldon_deployer.graph.nodes import (
    ABTest,
    Chain,
    Combiner,
    Graph,
    Model,
    OutputTransformer,
    Router,
    Transformer,
    chooses,
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
    "chooses",
    "components",
    "lay_out",
    "units",
    "write_graph",
]
