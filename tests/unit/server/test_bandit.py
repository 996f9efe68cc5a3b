"""Routers that learn from feedback."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.server.bandit import Bandit, EpsilonGreedy, ThompsonSampling
from seldon_deployer.server.component import UnitError

MADE = {
    "epsilon-greedy": lambda branches, seed: EpsilonGreedy(branches, epsilon=0.1, seed=seed),
    "thompson-sampling": lambda branches, seed: ThompsonSampling(branches, seed=seed),
}


def reward(bandit: Bandit, branch: int | None, value: float, rows: int = 1) -> None:
    bandit.send_feedback([[0.0]] * rows, [], value, None, routing=branch)


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@given(chances=st.permutations([0.2, 0.4, 0.8]), seed=st.integers(0, 2**32))
def test_the_best_branch_gets_most_of_the_requests(make, chances, seed):
    bandit, world = make(3, seed), random.Random(seed + 1)
    asked = [0, 0, 0]
    for _ in range(2000):
        branch = bandit.route()
        asked[branch] += 1
        reward(bandit, branch, float(world.random() < chances[branch]))
    assert asked[chances.index(0.8)] > 1000


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_the_same_seed_chooses_the_same(make):
    first, second = make(4, 7), make(4, 7)
    assert [first.route() for _ in range(50)] == [second.route() for _ in range(50)]


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_before_any_feedback_every_branch_is_asked(make):
    bandit = make(3, 1)
    assert {bandit.route() for _ in range(200)} == {0, 1, 2}


def test_a_reward_counts_for_all_rows_of_its_request():
    bandit = ThompsonSampling(2)
    reward(bandit, 1, 0.75, rows=4)
    told = {(each["key"], each["tags"]["branch"]): each["value"] for each in bandit.metrics()}
    assert told["bandit_feedback_rows", "1"] == 4
    assert told["bandit_mean_reward", "1"] == 0.75
    assert told["bandit_feedback_rows", "0"] == 0


@pytest.mark.parametrize("branch", [None, -1])
def test_feedback_that_tells_no_branch_teaches_nothing_and_says_so_once(branch, caplog):
    bandit = ThompsonSampling(2)
    reward(bandit, branch, 1.0)
    reward(bandit, branch, 1.0)
    assert bandit.rows == [0, 0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(("branch", "value"), [(0, 1.5), (0, -0.1), (0, float("nan")), (2, 1.0)])
def test_what_is_no_reward_of_a_branch_is_the_clients_fault(branch, value):
    bandit = EpsilonGreedy(2)
    with pytest.raises(UnitError) as caught:
        reward(bandit, branch, value)
    assert caught.value.status_code == 400
    assert bandit.rows == [0, 0]


def test_a_share_is_a_share():
    with pytest.raises(ValueError, match="epsilon is 2"):
        EpsilonGreedy(2, epsilon=2)
