"""Calls of the user's methods that do not come back: named in the log, and in the end the reason
why the process ends.

A thread cannot be stopped from outside. Where it is told how long a request may take, a call that
runs for twice as long, and for which nobody waits any more, holds its thread for good: the process
is to end in order, so that a fresh one takes its place. Seldon's wrapper kills its worker then.

Methods that await share one thread: there it is the event loop that has to answer.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import traceback

from seldon_deployer.server.awaiting import Awaiting
from seldon_deployer.server.jobs import Batch

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# A call is told of when it has run for so long, and each time that it has doubled.
_TOLD_SECONDS = 30.0
_FRAMES = 12


class Watch:
    """Looks at what runs, once a second while anything does.

    limit_seconds: how long a request may take; None where nobody says. stuck: why the process is to
    end; empty while all is well.
    """

    def __init__(self, limit_seconds: float | None, awaiting: Awaiting) -> None:
        self.stuck = ""
        self._limit = limit_seconds
        self._running: set[Batch] = set()
        self._awaiting: set[Batch] = set()
        self._pulse = _Pulse(awaiting)
        self._is_planned = False

    def begin(self, batch: Batch) -> None:
        """It is handed to a thread."""
        self._running.add(batch)
        if not self._is_planned:
            self._is_planned = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def leave(self, batch: Batch) -> None:
        """It goes on in the loop of methods that await."""
        self._running.discard(batch)
        self._awaiting.add(batch)

    def end(self, batch: Batch) -> None:
        """It has come back."""
        self._running.discard(batch)
        self._awaiting.discard(batch)

    def _look(self) -> None:
        for batch in self._running:
            if batch.started is not None:
                self._judge(batch, time.perf_counter() - batch.started)
        if self._awaiting:
            self._judge_loop(self._pulse.feel())
        self._is_planned = bool(self._running or self._awaiting)
        if self._is_planned:
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _judge(self, batch: Batch, seconds: float) -> None:
        method, limit = batch.jobs[0].method, self._limit
        is_news = seconds > max(_TOLD_SECONDS, 2 * batch.told_seconds)
        if limit is not None and seconds > 2 * limit and batch.is_given_up and not self.stuck:
            self.stuck = f"{method} runs for {seconds:.1f} s, and a request may take {limit:g} s"
            is_news = True
        if is_news:
            batch.told_seconds = seconds
            logger.warning(
                "%s is running for %.0f s, here:\n%s", method, seconds, _where(batch.thread)
            )

    def _judge_loop(self, seconds: float) -> None:
        limit, pulse = self._limit, self._pulse
        is_news = seconds > max(_TOLD_SECONDS, 2 * pulse.told_seconds)
        is_given_up = any(batch.is_given_up for batch in self._awaiting)
        if limit is not None and seconds > 2 * limit and is_given_up and not self.stuck:
            self.stuck = (
                f"an async method blocks the others for {seconds:.1f} s, and a request may take "
                f"{limit:g} s"
            )
            is_news = True
        if is_news:
            pulse.told_seconds = seconds
            logger.warning(
                "an async method blocks its event loop, and all others, for %.0f s; await there, "
                "or make the method a plain one. It is here:\n%s",
                seconds,
                _where(pulse.thread),
            )


class _Pulse:
    """Whether the loop of methods that await answers.

    told_seconds: after how long the log was last told that it does not.
    """

    def __init__(self, awaiting: Awaiting) -> None:
        self.told_seconds = 0.0
        self._awaiting = awaiting
        self._asked: float | None = None

    @property
    def thread(self) -> int:
        return self._awaiting.thread

    def feel(self) -> float:
        """Ask again where it has answered; else for how many seconds it has not."""
        if self._asked is not None:
            return time.perf_counter() - self._asked
        self.told_seconds = 0.0
        self._asked = time.perf_counter()
        self._awaiting.loop.call_soon_threadsafe(self._answer)
        return 0.0

    def _answer(self) -> None:
        self._asked = None


def _where(thread: int) -> str:
    """The innermost lines of code that a thread is at."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - documented, and no other way
    return "".join(traceback.format_stack(frame)[-_FRAMES:]) if frame else "the thread has ended"
