"""The orchestrator's walk over a graph, apart from how units are reached.

Source: Seldon Core 1.17.1's executor, observed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.unit_calls import (
    ConnectionDropped,
    Dialect,
    Message,
)

ALL_BRANCHES = -1
NO_BRANCH = -2
# Asks a unit for a step of its work; raises what ends the walk.
Ask = Callable[[GraphUnit, str, Message], Awaitable[Message]]


@dataclass
class Walk:
    """One request's way through a graph.

    `routing` notes where it went. `injects_routing`: answers are told of it, in their `meta`.
    """

    ask: Ask
    dialect: Dialect = field(default_factory=Dialect)
    injects_routing: bool = False
    chance: Callable[[], float] = random.random
    routing: dict[str, int] = field(default_factory=dict)

    async def predict(self, unit: GraphUnit, message: Message) -> Message:
        """A unit's input side, its children, its output side."""
        message = await self._do_input(unit, message)
        message = await self._go_below(unit, message)
        if unit.type == "OUTPUT_TRANSFORMER" or "TRANSFORM_OUTPUT" in unit.methods:
            message = await self.ask(unit, "transform-output", self.dialect.chain(message))
        if not self.injects_routing:
            return message
        return self.dialect.tell_routing(message, dict(self.routing))

    async def send_feedback(self, unit: GraphUnit, feedback: Message) -> Message:
        """Tell the units that a request went through, children first.

        The answer is the first unit's own, or the feedback itself where that unit is not told.
        """
        branch = self.dialect.read_routing(feedback).get(unit.name, ALL_BRANCHES)
        await _gather(
            [self.send_feedback(child, feedback) for child in _choose(unit, branch)],
        )
        if unit.type in ("MODEL", "ROUTER") or "SEND_FEEDBACK" in unit.methods:
            return await self.ask(unit, "send-feedback", feedback)
        return feedback

    async def _do_input(self, unit: GraphUnit, message: Message) -> Message:
        transforms = unit.type == "TRANSFORMER" or "TRANSFORM_INPUT" in unit.methods
        if not transforms and unit.type != "MODEL":
            return message
        step = "transform-input" if transforms else "predict"
        answer = await self.ask(unit, step, self.dialect.chain(message))
        self.routing[unit.name] = ALL_BRANCHES
        return answer

    async def _go_below(self, unit: GraphUnit, message: Message) -> Message:
        if not unit.children:
            return message
        branch = await self._choose_branch(unit, message)
        self.routing[unit.name] = branch
        chosen = _choose(unit, branch)
        if not chosen:
            return message
        answers = await _gather([self.predict(child, message) for child in chosen])
        if unit.type == "COMBINER" or "AGGREGATE" in unit.methods:
            return await self.ask(unit, "aggregate", self.dialect.join(answers))
        return answers[0]

    async def _choose_branch(self, unit: GraphUnit, message: Message) -> int:
        if unit.type == "ROUTER" or "ROUTE" in unit.methods:
            asked = self.dialect.plain(message)
            return self.dialect.read_branch(await self.ask(unit, "route", asked))
        if unit.implementation == "RANDOM_ABTEST":
            return 0 if self.chance() < unit.ratio else 1
        return ALL_BRANCHES


def _choose(unit: GraphUnit, branch: int) -> Sequence[GraphUnit]:
    if branch == ALL_BRANCHES:
        return unit.children
    if branch == NO_BRANCH:
        return ()
    if not 0 <= branch < len(unit.children):
        raise ConnectionDropped(
            f"{unit.name} chose the branch {branch} of {len(unit.children)}, counted from 0"
        )
    return unit.children[branch : branch + 1]


async def _gather(calls: Sequence[Awaitable[Message]]) -> list[Message]:
    """All answers. All calls are made to their end; of several errors the first branch's counts."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if isinstance(answer, Message)]
