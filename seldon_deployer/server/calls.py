"""The door to the user's object: every request of REST and gRPC goes through `Calls.run`.

A handler is a generator: it reads the request, yields the `Call` that it wants made, is sent what
the method returned, and returns the answer. Handlers never call the object themselves, so that
threads, batches, the queue and deadlines are one place's affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.component import (
    REASON_BAD_DATA,
    REASON_INTERNAL,
    Component,
    UnitError,
)
from seldon_deployer.server.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the user's object, to be called with these values."""

    method: str
    values: tuple[Any, ...]
    meta: dict[str, Any] | None = None


# What a handler is: `value = yield Call(...)`, then `return answer`.
Steps = Generator[Call, Any, T]


class Calls:
    """Runs handlers: the user's methods in threads apart, so that health checks always answer.

    One thread by default: a user's class need not be safe for several.
    """

    def __init__(self, component: Component, settings: Settings) -> None:
        self._component = component
        self._predictions = ThreadPoolExecutor(settings.threads, "predict")
        self._questions = ThreadPoolExecutor(1, "health")

    async def run(self, steps: Steps[T], *, method: str, deadline: float | None = None) -> T:
        """Answer one request: run a handler to its end.

        method: what the metrics call it. deadline: when the client stops waiting, in the time of
        the event loop (`loop.time()`). Raises UnitError and nothing else: 400 for what the caller
        did wrong, 503 when too many wait, 504 past the deadline, what the object's own exception
        says, or 500.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                return await loop.run_in_executor(self._predictions, self._drive, steps)
        except TimeoutError:
            raise UnitError("no answer before the deadline", 504, REASON_INTERNAL) from None
        # Code made for the command line calls sys.exit: it ends its own request, not the unit's.
        except (Exception, SystemExit) as error:
            raise blame(error, method) from error

    async def ask(self, question: Callable[[], T]) -> T:
        """Answer a question of health or metadata, while predictions are at work.

        Raises UnitError and nothing else.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._questions, question)
        except (Exception, SystemExit) as error:
            raise blame(error, "question") from error

    def _drive(self, steps: Steps[T]) -> T:
        try:
            call = next(steps)
            while True:
                call = steps.send(self._component.call(call.method, *call.values, meta=call.meta))
        except StopIteration as end:
            answer: T = end.value
            return answer


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
        return UnitError(str(getattr(error, "message", error)), status, reason)
    return UnitError(str(error) or type(error).__name__, 500, REASON_INTERNAL)
