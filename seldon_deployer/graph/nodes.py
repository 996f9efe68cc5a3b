"""The words a graph is written with: units, `>>`, and what chooses or combines.

    Transformer("scale", python_class="iris.Scale")
    >> Combiner("vote", [Model("forest", model_uri=...), Model("svm", model_uri=...)],
                python_class="iris.Vote")
    >> OutputTransformer("labels", python_class="iris.Labels")

reads as the request goes. That Seldon hangs an output transformer *above* what it transforms is
the affair of `tree`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import AfterValidator, Discriminator, model_validator
from pydantic.dataclasses import dataclass

from seldon_deployer.errors import ConfigError
from seldon_deployer.graph.fields import Share, Text, UnitName
from seldon_deployer.graph.node import VALUE, Node
from seldon_deployer.graph.unit import SeldonType, Unit

_BANDITS = {
    "epsilon-greedy": "seldon_deployer.server.bandit.EpsilonGreedy",
    "thompson-sampling": "seldon_deployer.server.bandit.ThompsonSampling",
}
# The schema of the resource writes children out this deep, the root included.
MOST_LEVELS = 11


class Flowing:
    """What `>>` joins."""

    def __rshift__(self, following: Graph) -> Chain:
        if not isinstance(following, Flowing):
            return NotImplemented
        return Chain((*_steps(self), *_steps(following)))

    def text(self) -> str:
        """Draw the graph for a terminal."""
        # The drawings know all words; so they are loaded when one is asked for.
        from seldon_deployer.graph.drawing import draw_graph

        return draw_graph(cast("Graph", self), "text")

    def svg(self) -> str:
        """Draw the graph as an `<svg>` element that stands alone."""
        from seldon_deployer.graph.drawing import draw_graph

        return draw_graph(cast("Graph", self), "svg")

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg()


@dataclass(frozen=True, config=VALUE, repr=False)
class Model(Unit, Flowing):
    """Predicts: served by a prepackaged server, an image, or a class with `predict`.

    The server is found from the artifact at `model_uri`, or named by `implementation`.
    """

    seldon_type: ClassVar[SeldonType] = "MODEL"

    _: KW_ONLY
    implementation: Text | None = None
    kind: Literal["model"] = "model"

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if self.implementation and self.python_class:
            raise ValueError(f"{self.name}: implementation and python_class are two servers")
        return self

    def _runs_something(self) -> bool:
        return bool(super()._runs_something() or self.model_uri or self.implementation)

    def _what_to_give(self) -> str:
        return "give model_uri, or python_class or image for code of your own"


@dataclass(frozen=True, config=VALUE, repr=False)
class Transformer(Unit, Flowing):
    """Changes what the next step gets: a class with `transform_input`."""

    seldon_type: ClassVar[SeldonType] = "TRANSFORMER"

    _: KW_ONLY
    kind: Literal["transformer"] = "transformer"


@dataclass(frozen=True, config=VALUE, repr=False)
class OutputTransformer(Unit, Flowing):
    """Changes what the steps before it answered: a class with `transform_output`."""

    seldon_type: ClassVar[SeldonType] = "OUTPUT_TRANSFORMER"

    _: KW_ONLY
    kind: Literal["output-transformer"] = "output-transformer"


class Forked(Flowing):
    """What has branches, which are graphs themselves."""

    name: str

    @property
    def branches(self) -> tuple[Graph, ...]:
        """The graphs it goes on to, in the order in which Seldon counts them."""
        raise NotImplementedError

    def _check_branches(self, at_least: int) -> None:
        if len(self.branches) < at_least:
            raise ValueError(
                f"{self.name} has {len(self.branches)} branches, of {at_least} or more"
            )
        _check_whole(self)


@dataclass(frozen=True, config=VALUE, repr=False)
class Router(Unit, Forked):
    """Sends each request to one branch: a class with `route`, which returns the branch's number.

    It may return -1 for all branches (the first one's answer counts), and learn from feedback.
    """

    seldon_type: ClassVar[SeldonType] = "ROUTER"

    children: tuple[Graph, ...]
    _: KW_ONLY
    kind: Literal["router"] = "router"

    @classmethod
    def bandit(
        cls,
        name: str,
        children: Sequence[Graph],
        *,
        algorithm: Literal["epsilon-greedy", "thompson-sampling"] = "thompson-sampling",
        epsilon: float | None = None,
        seed: int | None = None,
        **fields: Any,
    ) -> Self:
        """A router of ours that learns from feedback which branch answers best.

        Rewards are numbers from 0 to 1. epsilon: the share of requests by which epsilon-greedy
        explores, 0.1 if not told. fields: the others of a unit. What it has learnt is in its
        process: replicas learn apart, and a restart begins anew.
        """
        if algorithm not in _BANDITS:
            known = ", ".join(_BANDITS)
            raise ConfigError(
                f"{name}: there is no algorithm {algorithm!r}", hint=f"one of {known}"
            )
        if epsilon is not None and algorithm != "epsilon-greedy":
            raise ConfigError(
                f"{name}: {algorithm} has no epsilon", hint='algorithm="epsilon-greedy" has'
            )
        told = {"branches": len(children), "epsilon": epsilon, "seed": seed}
        given = {key: value for key, value in told.items() if value is not None}
        parameters = {**given, **fields.pop("parameters", {})}
        return cls(
            name,
            tuple(children),
            python_class=_BANDITS[algorithm],
            parameters=parameters,
            **fields,
        )

    @property
    def is_bandit(self) -> bool:
        """Whether it is one of ours that learn."""
        return self.python_class in _BANDITS.values()

    @property
    def branches(self) -> tuple[Graph, ...]:
        """The graphs it chooses from."""
        return self.children

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self._check_branches(at_least=1)
        return self


@dataclass(frozen=True, config=VALUE, repr=False)
class Combiner(Unit, Forked):
    """Sends each request to all branches and makes one answer: a class with `aggregate`."""

    seldon_type: ClassVar[SeldonType] = "COMBINER"

    children: tuple[Graph, ...]
    _: KW_ONLY
    kind: Literal["combiner"] = "combiner"

    @property
    def branches(self) -> tuple[Graph, ...]:
        """The graphs whose answers it combines."""
        return self.children

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self._check_branches(at_least=2)
        return self


@dataclass(frozen=True, config=VALUE, repr=False)
class ABTest(Node, Forked):
    """Sends a random share of the requests to `a`, the others to `b`. `ratio` is `a`'s share.

    The orchestrator does this itself: no container runs for it.
    """

    a: Graph
    b: Graph
    _: KW_ONLY
    ratio: Share = 0.5
    name: UnitName = "ab-test"
    kind: Literal["ab-test"] = "ab-test"

    @property
    def branches(self) -> tuple[Graph, ...]:
        """`a`, then `b`."""
        return (self.a, self.b)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self._check_branches(at_least=2)
        return self


@dataclass(frozen=True, config=VALUE, repr=False)
class Chain(Node, Flowing):
    """Steps one after the other, as `>>` writes them.

    After what answers for several branches (a router, a combiner, an A/B test), and after an
    output transformer, Seldon can call output transformers only.
    """

    steps: tuple[Step, ...]
    _: KW_ONLY
    kind: Literal["chain"] = "chain"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.steps) < 2:
            raise ValueError("a chain has two steps or more: write a single one by itself")
        _check_start(self.steps[0])
        for step, following in zip(self.steps, self.steps[1:], strict=False):
            _check_following(step, following)
        _check_whole(self)
        return self

    def __repr__(self) -> str:
        return f"({' >> '.join(map(repr, self.steps))})"


def _check_start(graph: Flowing) -> Flowing:
    if isinstance(graph, OutputTransformer):
        raise ValueError(
            f"{graph.name} is an output transformer with nothing before it to transform: "
            "write model >> output transformer, or make it a Transformer"
        )
    return graph


Step = Annotated[
    Model | Transformer | OutputTransformer | Router | Combiner | ABTest, Discriminator("kind")
]
Graph = Annotated[
    Annotated[
        Model | Transformer | OutputTransformer | Router | Combiner | ABTest | Chain,
        Discriminator("kind"),
    ],
    AfterValidator(_check_start),
]


def units(graph: Graph) -> Iterator[Unit]:
    """The units that run in containers, as the request meets them."""
    for node in _nodes(graph):
        if isinstance(node, Unit):
            yield node


def chooses(graph: Graph) -> bool:
    """Whether a request may go to one branch and not to another."""
    return any(isinstance(node, (Router, ABTest)) for node in _nodes(graph))


def _nodes(graph: Flowing) -> Iterator[Step]:
    for step in _steps(graph):
        yield step
        if isinstance(step, Forked):
            for branch in step.branches:
                yield from _nodes(branch)


def _count_levels(graph: Flowing) -> int:
    """How deep Seldon's tree of a graph is: every step of a chain is a level."""
    steps = _steps(graph)
    branches = [each for step in steps if isinstance(step, Forked) for each in step.branches]
    return len(steps) + max((_count_levels(branch) for branch in branches), default=0)


def _steps(graph: Flowing) -> tuple[Step, ...]:
    return graph.steps if isinstance(graph, Chain) else (cast("Step", graph),)


def _check_following(step: Step, following: Step) -> None:
    if isinstance(following, OutputTransformer):
        return
    if isinstance(step, OutputTransformer):
        raise ValueError(
            f"{following.name} cannot follow the output transformer {step.name}: Seldon calls "
            f"those last. Make {step.name} a Transformer: it changes what the next step gets"
        )
    if isinstance(step, Forked):
        raise ValueError(
            f"{following.name} cannot follow {step.name}, which has branches: there Seldon calls "
            "output transformers only. Make it an OutputTransformer, or end each branch with it"
        )


def _check_whole(graph: Flowing) -> None:
    nodes = list(_nodes(graph))
    counts = Counter(node.name for node in nodes)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"names are given to several units: {', '.join(repeated)}")
    if (levels := _count_levels(graph)) > MOST_LEVELS:
        raise ValueError(
            f"{levels} steps in a row: Seldon's resource holds {MOST_LEVELS} levels, and the API "
            "server would drop the others. Let one unit do what several do"
        )
    shared = [node for node in nodes if isinstance(node, Unit) and not node.own_pod]
    accounts = {node.service_account_name for node in shared} - {None}
    if len(accounts) > 1:
        raise ValueError(
            f"{', '.join(sorted(map(str, accounts)))}: units of one pod have one "
            "service_account_name. Give own_pod=True to those with another"
        )
