"""Running handlers: one by one, or several with their calls joined, each to its own outcome."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.batching import (
    BatchPolicy,
    Joinable,
    NotByRow,
    join_calls,
    split_answer,
)
from seldon_deployer.server.calling import Call, Steps
from seldon_deployer.server.component import (
    REASON_BAD_DATA,
    REASON_INTERNAL,
    Component,
    UnitError,
)
from seldon_deployer.server.metrics import CURRENT_METHOD

logger = logging.getLogger(__name__)

# Code made for the command line calls sys.exit: it ends its own request, not the unit's.
# The others end a thread that is everybody's. Cancelling is not among them: that is our own word.
RAISED: tuple[type[BaseException], ...] = (
    Exception,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
)


class Job:
    """One request: its handler, and the future that its client waits for.

    call, joinable: where the handler was run up to its first call already, that call, and with
    which others it may be joined.
    """

    __slots__ = ("batch", "call", "context", "entered", "future", "joinable", "method", "steps")

    def __init__(self, steps: Steps[Any], method: str, future: asyncio.Future[Outcome]) -> None:
        self.steps = steps
        self.method = method
        self.future = future
        self.entered = time.perf_counter()
        # What the request is known by to tracing, for one.
        self.context = copy_context()
        self.call: Call | None = None
        self.joinable: Joinable | None = None
        self.batch: Batch | None = None


class Batch:
    """Jobs that run together.

    started: when, once they have begun, and thread: in which one. cancel: there while they await in
    a loop of their own. told_seconds: after which time the log was last told of them.
    """

    __slots__ = ("cancel", "jobs", "started", "thread", "told_seconds")

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.started: float | None = None
        self.thread = 0
        self.told_seconds = 0.0
        self.cancel: Callable[[], object] | None = None
        for job in jobs:
            job.batch = self

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for any of them any more."""
        return all(job.future.done() for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handler ended: with an answer, or with the error that answers instead."""

    answer: Any = None
    error: UnitError | None = None


class Elsewhere:
    """Awaited before an awaitable of the user's: the rest goes on in an event loop.

    Until then a coroutine of this module runs in a plain thread, without a loop.
    """

    def __await__(self) -> Generator[None, None, None]:
        yield


class Runner:
    """Runs jobs against the user's object; what a method raises ends its own request only."""

    def __init__(self, component: Component, policy: BatchPolicy | None) -> None:
        self._component = component
        self.policy = policy

    async def run(self, batch: Batch) -> list[Outcome]:
        """Run jobs, their calls joined where there are several; the outcomes in the same order.

        A joined call that fails is made again for each job alone, so that the others never know.
        None are run, and there are no outcomes, where nobody waits for them any more.
        """
        if batch.is_given_up:
            return []
        batch.thread = threading.get_ident()
        batch.started = time.perf_counter()
        jobs = batch.jobs
        CURRENT_METHOD.set(jobs[0].method)
        if len(jobs) > 1:
            try:
                return await self._run_joined(jobs)
            except NotByRow as error:
                self.policy = None
                logger.error(
                    "%s cannot be batched: %s. Each row needs a row in the answer; requests are "
                    "called one by one from now on. Take max_batch_size away from the class",
                    jobs[0].method,
                    error,
                )
            except RAISED as error:
                logger.debug("a batch of %d failed (%r): one by one", len(jobs), error)
        return [await self._run_alone(job) for job in jobs]

    async def _run_joined(self, jobs: Sequence[Job]) -> list[Outcome]:
        calls = [job.call for job in jobs if job.call is not None]
        rows = [job.joinable.rows for job in jobs if job.joinable is not None]
        parts = split_answer(await self._invoke(join_calls(calls)), rows)
        outcomes = []
        for job, part in zip(jobs, parts, strict=True):
            try:
                call = job.steps.send(part)
            except StopIteration as end:
                outcomes.append(Outcome(end.value))
            except RAISED as error:
                outcomes.append(Outcome(error=blame(error, job.method)))
            else:
                job.call = call
                outcomes.append(await self._run_alone(job))
        return outcomes

    async def _run_alone(self, job: Job) -> Outcome:
        try:
            call = job.call or next(job.steps)
            while True:
                try:
                    value = await self._invoke(call)
                # The handler sees it where it asked for the call.
                except RAISED as error:
                    call = job.steps.throw(error)
                else:
                    call = job.steps.send(value)
        except StopIteration as end:
            return Outcome(end.value)
        except RAISED as error:
            return Outcome(error=blame(error, job.method))

    async def _invoke(self, call: Call) -> Any:
        value = self._component.call(call.method, *call.values, meta=call.meta)
        if inspect.isawaitable(value):
            await Elsewhere()
            return await value
        return value


def prepare(job: Job) -> Outcome | None:
    """Run a handler up to its first call; its outcome where it ends before it makes one."""
    try:
        job.call = next(job.steps)
    except StopIteration as end:
        return Outcome(end.value)
    except RAISED as error:
        return Outcome(error=blame(error, job.method))
    return None


def blame(error: BaseException, method: str) -> UnitError:
    """Turn whatever a handler raised into the error that answers the request.

    An exception of the shape of Seldon's SeldonMicroserviceException chooses its status and reason.
    """
    if isinstance(error, UnitError):
        return error
    if isinstance(error, PayloadError):
        return UnitError(error.what, 400, REASON_BAD_DATA)
    logger.error("%s failed", method, exc_info=error)
    status, reason = getattr(error, "status_code", None), getattr(error, "reason", None)
    if isinstance(status, int) and 400 <= status <= 599 and isinstance(reason, str):
        return UnitError(_words(getattr(error, "message", error)), status, reason)
    return UnitError(_words(error) or type(error).__name__, 500, REASON_INTERNAL)


def _words(error: object) -> str:
    """What an error says; nothing where saying it fails, for that is the user's code as well."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever their code raises
        return ""
