"""From a graph as the request goes to the tree that Seldon walks, and to the pods it runs in.

Seldon calls a unit's input side, then its children, then its output side. So a step is the child
of the step before it, but an output transformer is the parent of all that it transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer.graph.nodes import ABTest, Chain, Forked, Graph, OutputTransformer, Step, units
from seldon_deployer.graph.unit import Unit
from seldon_deployer.workload import HPA, PDB, Keda

Object = dict[str, Any]


@dataclass(frozen=True)
class TreeNode:
    """A node where Seldon has it."""

    node: Step
    children: tuple[TreeNode, ...] = ()

    def walk(self) -> Iterator[TreeNode]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


def lay_out(graph: Graph) -> TreeNode:
    """The tree that Seldon walks for a graph."""
    steps = graph.steps if isinstance(graph, Chain) else (graph,)
    tree: TreeNode | None = None
    # Backwards: what comes later is below what comes earlier. Chain has checked that it fits.
    for step in reversed(steps):
        if not isinstance(step, OutputTransformer):
            tree = TreeNode(step, _branches(step) or _only(tree))
    for step in steps:
        if isinstance(step, OutputTransformer):
            tree = TreeNode(step, _only(tree))
    if tree is None:
        raise AssertionError("a graph has a step")
    return tree


def _branches(step: Step) -> tuple[TreeNode, ...]:
    branches = step.branches if isinstance(step, Forked) else ()
    return tuple(lay_out(branch) for branch in branches)


def _only(tree: TreeNode | None) -> tuple[TreeNode, ...]:
    return () if tree is None else (tree,)


def write_graph(graph: Graph, write_unit: Callable[[Unit], Object]) -> Object:
    """A predictor's `graph`: `write_unit` writes a unit's own fields, name and type among them."""

    def write(tree: TreeNode) -> Object:
        node = tree.node
        obj = write_ab_test(node) if isinstance(node, ABTest) else write_unit(node)
        if tree.children:
            obj = {**obj, "children": [write(child) for child in tree.children]}
        return obj

    return write(lay_out(graph))


def write_ab_test(node: ABTest) -> Object:
    """An A/B test's own fields. It has no type: as a ROUTER it would be called like a server."""
    # Seldon reads ratioA only where it is the one parameter.
    ratio = {"name": "ratioA", "value": repr(node.ratio), "type": "FLOAT"}
    return {"name": node.name, "implementation": "RANDOM_ABTEST", "parameters": [ratio]}


@dataclass(frozen=True)
class Component:
    """The units of one pod, and what they alone decide of it; `is_shared`: nothing."""

    units: tuple[Unit, ...]
    is_shared: bool

    @property
    def replicas(self) -> int | None:
        """How many pods, where the unit says so."""
        return None if self.is_shared else self.units[0].replicas

    @property
    def hpa(self) -> HPA | None:
        """The unit's autoscaler."""
        return None if self.is_shared else self.units[0].hpa

    @property
    def keda(self) -> Keda | None:
        """The unit's autoscaler by events."""
        return None if self.is_shared else self.units[0].keda

    @property
    def pdb(self) -> PDB | None:
        """The unit's disruption budget."""
        return None if self.is_shared else self.units[0].pdb


def components(graph: Graph) -> tuple[Component, ...]:
    """The pods of a graph: the shared one first, then one for each unit that has its own.

    Seldon puts the orchestrator into the first.
    """
    shared = tuple(unit for unit in units(graph) if not unit.own_pod)
    own = tuple(Component((unit,), is_shared=False) for unit in units(graph) if unit.own_pod)
    return (Component(shared, is_shared=True), *own) if shared else own
