"""Routers that learn from feedback which branch answers best.

A reward is a number from 0 to 1; with several rows it is the mean of theirs. What a router has
learnt is in its process alone: a second replica learns by itself, a restart begins anew.
"""

from __future__ import annotations

import logging
import random
import threading
from abc import ABC, abstractmethod
from typing import Any

from seldon_deployer.server.component import UnitError

logger = logging.getLogger(__name__)


class Bandit(ABC):
    """Counts the rewards of its branches; what is chosen by them is a subclass's affair.

    branches: how many there are. seed: for choices that can be repeated.
    """

    def __init__(self, branches: int, seed: int | None = None) -> None:
        if branches < 1:
            raise ValueError(f"branches is {branches}: a bandit has one branch or more")
        self.rows = [0] * branches
        self.rewards = [0.0] * branches
        self.chance = random.Random(seed)  # noqa: S311 - which branch is asked is no secret
        self._lock = threading.Lock()
        self._has_told = False

    @abstractmethod
    def choose(self) -> int:
        """The number of the branch to ask next."""

    def route(self) -> int:
        """Choose for one request."""
        with self._lock:
            return self.choose()

    def send_feedback(
        self,
        features: Any,
        names: Any,  # noqa: ARG002 - Seldon's signature
        reward: float,
        truth: Any,  # noqa: ARG002
        routing: int | None = None,
    ) -> None:
        """Learn what the branch `routing` was worth.

        Raises UnitError for a reward that is none, or a branch that is not there. Feedback that
        does not tell the branch (`meta.routing` of the answer) teaches nothing.
        """
        if routing is None or routing == -1:
            if not self._has_told:
                logger.warning("feedback without meta.routing of the answer teaches nothing")
                self._has_told = True
            return
        if not 0 <= reward <= 1:
            raise UnitError(f"the reward is {reward:g}: it has to be from 0 to 1")
        if not 0 <= routing < len(self.rows):
            raise UnitError(f"meta.routing tells of branch {routing} of {len(self.rows)}")
        count = max(len(features), 1) if hasattr(features, "__len__") else 1
        with self._lock:
            self.rows[routing] += count
            self.rewards[routing] += reward * count

    def metrics(self) -> list[dict[str, Any]]:
        """Rows and mean reward of each branch, as gauges."""
        with self._lock:
            counted = list(zip(self.rows, self.rewards, strict=True))
        told: list[dict[str, Any]] = []
        for branch, (rows, rewards) in enumerate(counted):
            values = {"bandit_feedback_rows": rows, "bandit_mean_reward": rewards / max(rows, 1)}
            tags = {"branch": str(branch)}
            told += [
                {"key": key, "type": "GAUGE", "value": value, "tags": tags}
                for key, value in values.items()
            ]
        return told


class EpsilonGreedy(Bandit):
    """The branch of the best mean so far, but any of them in a share `epsilon` of the requests.

    Branches of which nothing is known yet come first. Source: Sutton and Barto, Reinforcement
    Learning, 2.2.
    """

    def __init__(self, branches: int, epsilon: float = 0.1, seed: int | None = None) -> None:
        super().__init__(branches, seed)
        if not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon is {epsilon:g}: it is a share, from 0 to 1")
        self.epsilon = epsilon

    def choose(self) -> int:
        """Explore, or take what is known to be best; of equals any."""
        numbers = range(len(self.rows))
        if self.chance.random() < self.epsilon:
            return self.chance.choice(numbers)
        means = [
            rewards / rows if rows else float("inf")
            for rows, rewards in zip(self.rows, self.rewards, strict=True)
        ]
        best = max(means)
        return self.chance.choice([number for number in numbers if means[number] == best])


class ThompsonSampling(Bandit):
    """A branch as often as it is likely to be the best one.

    Each has a Beta distribution over its rewards, flat at first; the highest draw wins.
    Source: Chapelle and Li, An Empirical Evaluation of Thompson Sampling, 2011.
    """

    def choose(self) -> int:
        """Draw for each branch, and take the highest."""
        draws = [
            self.chance.betavariate(1 + rewards, 1 + rows - rewards)
            for rows, rewards in zip(self.rows, self.rewards, strict=True)
        ]
        return draws.index(max(draws))
