from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.errors import StorageError, StorageUnreachable
from seldon_deployer.storage import parts
from seldon_deployer.storage.parts import (
    BrokenLink,
    Part,
    Stopped,
    fetch_part,
    open_target,
    run_all,
    send_part,
    split,
    stoppable,
)

DATA = os.urandom(1000)
GONE = StorageUnreachable("gone")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # Time is not what is judged here.
    monkeypatch.setattr(parts.time, "sleep", lambda _: None)


def breaking(after: Iterator[int]):
    """A link over which so many bytes come before each break; 0: none at all."""

    def read(start: int, end: int, take) -> None:
        limit = next(after, None)
        available = DATA[start:end] if limit is None else DATA[start : min(end, start + limit)]
        for at in range(0, len(available), 7):
            take(available[at : at + 7])
        if len(available) < end - start:
            raise BrokenLink(GONE)

    return read


@given(st.lists(st.integers(0, 400), max_size=8), st.integers(1, 400))
def test_a_part_arrives_whole_however_its_link_breaks(tmp_path_factory, breaks, part_bytes) -> None:
    target = tmp_path_factory.mktemp("parts") / "target"
    after = iter([each for each in breaks if each])
    seen: list[int] = []

    with open_target(target) as number:
        for part in reversed(split(len(DATA), part_bytes)):
            fetch_part(breaking(after), number, part, seen.append)

    assert target.read_bytes() == DATA
    # Nothing was fetched twice.
    assert sum(seen) == len(DATA)


def test_a_link_over_which_nothing_comes_is_given_up(tmp_path: Path) -> None:
    with (
        open_target(tmp_path / "target") as number,
        pytest.raises(StorageUnreachable, match="gone"),
    ):
        fetch_part(breaking(iter([10, *[0] * 50])), number, Part(1, 0, 100), lambda _: None)


def test_sending_goes_on_while_others_get_through() -> None:
    tries, others = count(), count()

    def send() -> str:
        if next(tries) < 20:
            raise GONE
        return "sent"

    assert send_part(send, lambda: next(others)) == "sent"
    with pytest.raises(StorageUnreachable):
        send_part(partial(_fail, GONE), lambda: 0)


def test_results_come_in_the_order_of_the_tasks() -> None:
    with ThreadPoolExecutor(4) as pool:
        tasks = [partial(int, text) for text in map(str, range(50))]
        assert run_all(pool, tasks, threading.Event()) == list(range(50))


def test_after_a_failure_nothing_begins_and_what_runs_stops() -> None:
    stop, began = threading.Event(), count()
    counting = stoppable(lambda _: None, stop)

    def run() -> None:
        next(began)
        while True:
            counting(1)

    tasks = [run, partial(_fail, StorageError("the first")), *[run] * 20]
    with ThreadPoolExecutor(2) as pool, pytest.raises(StorageError, match="the first"):
        run_all(pool, tasks, stop)

    assert stop.is_set()
    assert next(began) <= 3
    with pytest.raises(Stopped):
        counting(1)


def _fail(error: Exception) -> None:
    raise error
