"""How much a unit takes on: requests that wait, and how long their clients do."""

from __future__ import annotations

import math
from collections.abc import Iterable

from seldon_deployer.server.component import REASON_INTERNAL, UnitError

# Milliseconds that the caller waits; Envoy (Istio, Ambassador) tells it to what it proxies.
_TIMEOUT_HEADER = b"x-envoy-expected-rq-timeout-ms"
_MOST_SECONDS = 30
# Of milliseconds: more than 30 years is no deadline.
_MOST_DIGITS = 12
# The share of the newest call in the mean of what calls take.
_NEWEST = 0.2


class Overloaded(UnitError):
    """Too many requests wait already: 503, and when to try again."""

    def __init__(self, waiting: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"{waiting} requests are waiting already, no more are taken", 503, REASON_INTERNAL
        )
        self.retry_after_seconds = retry_after_seconds


class DeadlinePassed(UnitError):
    """The client does not wait any longer: 504."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"no answer before the deadline: the request was {doing}", 504, REASON_INTERNAL
        )


class Pace:
    """How long a request takes of the model's time, as a mean that follows the newest."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float, requests: int) -> None:
        """Learn from one call, of so many requests at once."""
        each = seconds / requests
        self.seconds += (each - self.seconds) * (_NEWEST if self.seconds else 1)

    def retry_after_seconds(self, waiting: int, threads: int) -> int:
        """How long the requests that wait will take, in whole seconds, as Retry-After has it."""
        expected = math.ceil(self.seconds * waiting / threads)
        return min(max(expected, 1), _MOST_SECONDS)


def read_timeout(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """How long the client waits, in seconds, where a header tells; None for nonsense."""
    for name, value in headers:
        if name == _TIMEOUT_HEADER:
            digits = value.lstrip(b"0")
            is_time = digits.isdigit() and len(digits) <= _MOST_DIGITS
            return int(digits) / 1000 if is_time else None
    return None
