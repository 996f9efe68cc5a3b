"""When a request is sent again, and how long after."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from seldon_deployer.client.messages import Call, NoReply, Reply

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0
# Said by what stands before the model, which did not get the request.
_TURNED_AWAY = frozenset({429, 502, 503})
_MAYBE_LOST = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Retries:
    """How often a request is tried.

    By itself only where the model has not seen it: no connection came about, or an answer of 429,
    502 or 503 tells when to come again (`Retry-After`).
    """

    attempts: int = 3
    after_sending: bool = False
    """Also where the model may have seen it: a lost connection, any 502, 503, 504. For models to
    which it is all the same how often they are asked; feedback is never sent twice."""

    def wait_seconds(
        self, call: Call, outcome: Reply | NoReply, *, attempt: int, left_seconds: float
    ) -> float | None:
        """How long to wait before trying again; None: this outcome stands.

        `attempt` counts from 1; `left_seconds` is what remains of the time allowed.
        """
        if attempt >= self.attempts:
            return None
        wait = self._wanted_wait(call, outcome, attempt)
        return wait if wait is not None and wait < left_seconds else None

    def _wanted_wait(self, call: Call, outcome: Reply | NoReply, attempt: int) -> float | None:
        may_repeat = self.after_sending and call.is_repeatable
        if isinstance(outcome, NoReply):
            if outcome.is_lasting or (outcome.is_sent and not may_repeat):
                return None
            return _back_off(attempt)
        if outcome.status in _TURNED_AWAY and "retry-after" in outcome.headers:
            return read_retry_after(outcome.headers["retry-after"])
        if outcome.status in _MAYBE_LOST and may_repeat:
            return _back_off(attempt)
        return None


def read_retry_after(value: str) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from now; None if it is neither."""
    if value.isascii() and value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _back_off(attempt: int) -> float:
    # Spread, so that clients that failed together do not come back together.
    longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311
