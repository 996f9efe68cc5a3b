"""Numbers that a unit tells Prometheus: kept here, written as text elsewhere.

Each worker keeps its own and hands them on as plain lists, so that one port can tell the sum of
all. Names and labels of what the user's class tells, and of feedback, are those of Seldon's
wrapper; its `worker_id` is on gauges alone here: counters and histograms are sums over all workers.
Source: Seldon Core v1.17.1, Python wrapper, observed; buckets of requests: its orchestrator.
"""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]
Series = tuple[Kind, str, Labels]
# Of a histogram: the sum, then how many fell into each bucket, the last one without a bound.
Snapshot = dict[Series, list[float]]

REQUESTS = "seldon_deployer_unit_requests_seconds"
WAITING = "seldon_deployer_unit_waiting_requests"
RESIDENT = "process_resident_memory_bytes"
WAITED = "seldon_deployer_unit_waited_seconds"
BATCH_ROWS = "seldon_deployer_unit_batch_rows"
FEEDBACK = "seldon_api_model_feedback"
REWARD = "seldon_api_model_feedback_reward"

_STATM = Path("/proc/self/statm")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_SHORT = (0.0001, 0.0005, 0.001, 0.0025, *_SECONDS)
_POWERS = tuple(float(2**power) for power in range(11))
# The wrapper's own for timers: 50 bounds from a millisecond to 30 seconds, evenly in logarithms.
_TIMER = tuple(0.001 * 30000 ** (index / 49) for index in range(50))
_BOUNDS: dict[str, Sequence[float]] = {REQUESTS: _SECONDS, WAITED: _SHORT, BATCH_ROWS: _POWERS}
HELP = {
    REQUESTS: "How long requests took, by method and status.",
    RESIDENT: "Resident memory of the process.",
    WAITING: "Requests that wait for the model.",
    WAITED: "How long requests waited for the model.",
    BATCH_ROWS: "Rows in each call of the model.",
    FEEDBACK: "Feedback that was sent.",
    REWARD: "The sum of its rewards.",
}
# What the wrapper calls methods in labels.
_METHOD_LABELS = {
    "send_feedback": "feedback",
    "transform_input": "inputtransform",
    "transform_output": "outputtransform",
    "route": "router",
    "infer": "predict",
}
# The method that a thread, or a task, is at work for.
CURRENT_METHOD: ContextVar[str] = ContextVar("CURRENT_METHOD", default="health")


class Metrics:
    """The numbers of one process. Safe to be told from any thread."""

    def __init__(self) -> None:
        self._series: Snapshot = {}
        self._asked: list[tuple[str, Callable[[], float]]] = []
        self._lock = threading.Lock()

    def ask(self, name: str, read: Callable[[], float]) -> None:
        """Have a gauge read whenever somebody looks."""
        self._asked.append((name, read))

    def add_request(self, method: str, code: int, seconds: float) -> None:
        """One request is answered: by which method, with which HTTP status (or its like).

        method: `health` and `metadata` of questions, `unknown` where no route takes it.
        """
        self._observe(REQUESTS, (("code", str(code)), ("method", method)), seconds)

    def add_batch(self, method: str, rows: int) -> None:
        """One joined call begins, of so many rows."""
        self._observe(BATCH_ROWS, (("method", method),), rows)

    def add_wait(self, method: str, seconds: float) -> None:
        """One request has waited so long for the model."""
        self._observe(WAITED, (("method", method),), seconds)

    def add_reward(self, reward: float) -> None:
        """One feedback has come."""
        labels = (("method", "feedback"),)
        self._add(("counter", FEEDBACK, labels), 1)
        self._add(("counter", REWARD, labels), reward)

    def add_custom(self, metrics: Iterable[dict[str, Any]]) -> None:
        """What the user's class counted in one call; a TIMER is in milliseconds."""
        method = CURRENT_METHOD.get()
        for metric in metrics:
            tags = metric.get("tags")
            labels = {"method": _METHOD_LABELS.get(method, method)}
            labels |= {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
            name, ordered = str(metric["key"]), tuple(sorted(labels.items()))
            match metric["type"]:
                case "COUNTER":
                    self._add(("counter", name, ordered), metric["value"])
                case "GAUGE":
                    with self._lock:
                        self._series["gauge", name, ordered] = [float(metric["value"])]
                case _:
                    self._observe(name, ordered, metric["value"] / 1000)

    def snapshot(self) -> Snapshot:
        """All numbers as they are now."""
        with self._lock:
            copied = {series: list(values) for series, values in self._series.items()}
        for name, read in self._asked:
            copied["gauge", name, ()] = [read()]
        return copied

    def _add(self, series: Series, amount: float) -> None:
        with self._lock:
            self._series.setdefault(series, [0.0])[0] += amount

    def _observe(self, name: str, labels: Labels, value: float) -> None:
        bounds = bounds_of(name)
        series: Series = ("histogram", name, labels)
        with self._lock:
            values = self._series.get(series)
            if values is None:
                values = self._series[series] = [0.0] * (len(bounds) + 2)
            values[0] += value
            values[1 + bisect_left(bounds, value)] += 1


def read_resident_bytes() -> float:
    """The resident memory of this process; NaN where the system does not tell it."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return math.nan
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def bounds_of(name: str) -> Sequence[float]:
    """The upper bounds of a histogram's buckets, without the last one that has none."""
    return _BOUNDS.get(name, _TIMER)


def merge(snapshots: Sequence[tuple[str, Snapshot]]) -> Snapshot:
    """Make one of the numbers of several workers, each with its id: sums, and gauges by worker."""
    merged: Snapshot = {}
    for worker, snapshot in snapshots:
        for (kind, name, labels), values in snapshot.items():
            if kind == "gauge":
                own = dict(labels) | {"worker_id": worker}
                merged[kind, name, tuple(sorted(own.items()))] = values
                continue
            known = merged.get((kind, name, labels))
            merged[kind, name, labels] = (
                values if known is None else [a + b for a, b in zip(known, values, strict=True)]
            )
    return merged


def to_lists(snapshot: Snapshot) -> list[Any]:
    """Write a snapshot for another process, as JSON has it."""
    return [[*series, values] for series, values in snapshot.items()]


def from_lists(given: Sequence[Any]) -> Snapshot:
    """Read what `to_lists` wrote."""
    return {
        (kind, name, tuple((str(key), str(value)) for key, value in labels)): values
        for kind, name, labels, values in given
    }
