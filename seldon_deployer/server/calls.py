"""The door to the user's object: every request of REST and gRPC goes through `Calls.run`.

A handler is a generator: it reads the request, yields the `Call` that it wants made, is sent what
the method returned, and returns the answer. Handlers never call the object themselves, so that
threads, batches, the queue and deadlines are one place's affair.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, cast

from seldon_deployer.server.batching import BY_ROWS, BatchPolicy, describe_call
from seldon_deployer.server.calling import Call, Steps
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.crew import Crew
from seldon_deployer.server.jobs import RAISED, Batch, Job, Outcome, Runner, blame, prepare
from seldon_deployer.server.limits import DeadlinePassed, Overloaded, Pace
from seldon_deployer.server.metrics import RESIDENT, WAITING, read_resident_bytes
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.watch import Watch

__all__ = ["Call", "Calls", "Steps", "blame"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

# What V2's handler calls itself; it asks for predict, or for a loader's own method.
_INFER = "infer"
# Larger bodies are read in the model's thread, for they would hold up the event loop.
_SMALL_BYTES = 64 * 1024
_AHEAD = 64


class Calls:
    """Runs handlers: the user's methods in threads apart, so that health checks always answer.

    One thread by default: a user's class need not be safe for several. Requests wait in a bounded
    queue; where the class asks for batches, those that wait are joined. A request that finds
    nobody before it is called at once.
    """

    def __init__(
        self, component: Component, settings: Settings, policy: BatchPolicy | None = None
    ) -> None:
        self._component = component
        self._max_waiting = settings.max_waiting
        whole = any(component.can_raw(method) for method in BY_ROWS)
        self._runner = Runner(component, None if whole else policy)
        self._threads = settings.threads
        # How many calls may be handed to the threads: those of batches one at a time, for while
        # one runs the next one grows; others ahead, so that no thread waits for the event loop.
        self._places = settings.threads * (1 if self._runner.policy is not None else 1 + _AHEAD)
        self._free = self._places
        self._crew = Crew(settings.threads, component.awaiting)
        self._questions = ThreadPoolExecutor(1, "health")
        self._waiting: deque[Job] = deque()
        self._awaiting = 0
        self.watch = Watch(settings.timeout_seconds, component.awaiting)
        self._pace = Pace()
        self._metrics = component.observer
        self._metrics.ask(WAITING, self._count_waiting)
        # A class that keeps what it should not is seen there first.
        self._metrics.ask(RESIDENT, read_resident_bytes)
        # How many were joined the last time: as many are worth a short wait.
        self._promised = 1
        self._planned: asyncio.Handle | None = None
        self._is_patient = False

    async def run(
        self,
        steps: Steps[T],
        *,
        method: str,
        deadline: float | None = None,
        size_bytes: int = 0,
        status_of: Callable[[T], int] | None = None,
    ) -> T:
        """Answer one request: run a handler to its end.

        method: what it is about (`predict`, ... or `infer`), for metrics and messages. deadline:
        when the client stops waiting, in the time of the event loop (`loop.time()`). size_bytes:
        of the request. status_of: the HTTP status that an answer has, where it is not always 200,
        for metrics. Raises UnitError and nothing else: 400 for what the caller did wrong, 503
        (Overloaded) when too many wait, 504 past the deadline, what the object's own exception
        says, or 500.
        """
        started, code = time.perf_counter(), 200
        try:
            answer = cast("T", _result(await self._submit(steps, method, deadline, size_bytes)))
            if status_of is not None:
                code = status_of(answer)
            return answer
        except UnitError as error:
            code = error.status_code
            raise
        finally:
            self._metrics.add_request(method, code, time.perf_counter() - started)

    async def _submit(
        self, steps: Steps[Any], method: str, deadline: float | None, size_bytes: int
    ) -> Outcome:
        waiting = self._count_waiting() + self._awaiting
        if waiting >= self._max_waiting:
            raise Overloaded(waiting, self._pace.retry_after_seconds(waiting, self._threads))
        loop = asyncio.get_running_loop()
        job = Job(steps, method, loop.create_future())
        if self._may_join(method, size_bytes) and (outcome := self._prepare(job)) is not None:
            return outcome
        self._waiting.append(job)
        self._plan(loop)
        if deadline is None:
            return await job.future
        timer = loop.call_at(deadline, self._expire, job)
        try:
            return await job.future
        finally:
            timer.cancel()

    async def ask(self, question: Callable[[], T]) -> T:
        """Answer a question of health or metadata, while predictions are at work.

        Raises UnitError and nothing else.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._questions, question)
        except RAISED as error:
            raise blame(error, "question") from error

    def _may_join(self, method: str, size_bytes: int) -> bool:
        if self._runner.policy is None or size_bytes > _SMALL_BYTES:
            return False
        return method in BY_ROWS or method == _INFER

    def _prepare(self, job: Job) -> Outcome | None:
        if (outcome := prepare(job)) is not None:
            return outcome
        if job.call is not None:
            reads_meta = self._component.takes_meta(job.call.method)
            job.joinable = describe_call(job.call, reads_meta=reads_meta)
        return None

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._free:
            return
        if self._runner.policy is None:
            self._dispatch(loop)
            return
        if self._planned is not None:
            if not self._is_patient or len(self._waiting) < self._promised:
                return
            self._planned.cancel()
        # After all that this turn of the event loop has brought: those are joined for nothing.
        self._is_patient = False
        self._planned = loop.call_soon(self._dispatch, loop)

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._planned = None
        while self._free and self._waiting:
            if not self._is_patient and (seconds := self._patience()) > 0:
                self._is_patient = True
                self._planned = loop.call_later(seconds, self._dispatch, loop)
                return
            self._is_patient = False
            if jobs := self._take():
                self._free -= 1
                batch = Batch(jobs)
                self.watch.begin(batch)
                self._crew.start(
                    self._runner.run(batch),
                    partial(self._finish, batch),
                    partial(self._leave, batch),
                    jobs[0].context,
                )

    def _count_waiting(self) -> int:
        handed = self._places - self._free
        return len(self._waiting) + max(0, handed - self._threads)

    def _count(self, batch: Batch, started: float) -> None:
        for job in batch.jobs:
            self._metrics.add_wait(job.method, started - job.entered)
        if self._runner.policy is not None:
            rows = sum(job.joinable.rows if job.joinable else 1 for job in batch.jobs)
            self._metrics.add_batch(batch.jobs[0].method, rows)
        self._pace.add(time.perf_counter() - started, len(batch.jobs))

    def _patience(self) -> float:
        """Seconds that are worth waiting for others before the next call; mostly none."""
        policy, first = self._runner.policy, self._waiting[0]
        if policy is None or not policy.max_delay_seconds or first.joinable is None:
            return 0.0
        if len(self._waiting) >= min(self._promised, policy.max_rows):
            return 0.0
        return first.entered + policy.max_delay_seconds - time.perf_counter()

    def _take(self) -> list[Job]:
        """Take the first that waits, and all that may be joined with it."""
        job = self._waiting.popleft()
        if job.future.done():
            return []
        policy, joinable = self._runner.policy, job.joinable
        if policy is None or joinable is None or not self._waiting:
            self._promised = 1
            return [job]
        jobs, others, rows = [job], [], joinable.rows
        while self._waiting:
            other = self._waiting.popleft()
            if other.future.done():
                continue
            found = other.joinable
            if found and found.key == joinable.key and rows + found.rows <= policy.max_rows:
                jobs.append(other)
                rows += found.rows
                if rows == policy.max_rows:
                    break
            else:
                others.append(other)
        self._waiting.extendleft(reversed(others))
        self._promised = len(jobs)
        return jobs

    def _leave(self, batch: Batch, cancel: Callable[[], object]) -> None:
        """A batch goes on in the loop of methods that await: its thread is free."""
        batch.cancel = cancel
        self.watch.leave(batch)
        self._free += 1
        self._awaiting += 1
        if batch.is_given_up:
            # Their clients gave up before the method began to await.
            cancel()
        self._plan(asyncio.get_running_loop())

    def _finish(self, batch: Batch, outcomes: list[Outcome]) -> None:
        for job, outcome in zip(batch.jobs, outcomes, strict=False):
            if not job.future.done():
                job.future.set_result(outcome)
            # A circle would keep the answer, large perhaps, until Python's collector comes by.
            job.batch = None
        if batch.started is not None:
            self._count(batch, batch.started)
        self.watch.end(batch)
        if batch.cancel is None:
            self._free += 1
        else:
            self._awaiting -= 1
        if self._waiting:
            self._plan(asyncio.get_running_loop())

    def _expire(self, job: Job) -> None:
        """Answer a client that does not wait any longer, and do not begin with its request."""
        if job.future.done():
            return
        seconds = time.perf_counter() - job.entered
        batch = job.batch
        if batch is None or batch.started is None:
            doing = f"waiting for {seconds:.1f} s"
        else:
            running = time.perf_counter() - batch.started
            doing = f"in {job.method} for {running:.1f} s"
            logger.warning("%s is running for %.1f s: its client has given up", job.method, running)
        job.future.set_result(Outcome(error=DeadlinePassed(doing)))
        if batch is not None and batch.cancel is not None and batch.is_given_up:
            batch.cancel()


def _result(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.answer
