"""The threads that run the user's code, apart from the event loop that talks to clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context
from queue import SimpleQueue
from typing import Any

from seldon_deployer.server.awaiting import Awaiting
from seldon_deployer.server.jobs import Outcome

Work = Coroutine[Any, Any, list[Outcome]]
Done = Callable[[list[Outcome]], None]
# Told how to cancel what goes on elsewhere.
Leave = Callable[[Callable[[], object]], None]


class Crew:
    """Threads for methods that compute; those that await go on in an event loop of their own.

    Daemons: a method that never returns does not keep the process from ending.
    """

    def __init__(self, threads: int, awaiting: Awaiting) -> None:
        self._inbox: SimpleQueue[tuple[Work, Done, Leave, Context]] = SimpleQueue()
        self._threads = threads
        self._started = 0
        self._awaiting = awaiting

    def start(self, work: Work, done: Done, leave: Leave, context: Context) -> None:
        """Run a coroutine in a thread; `done` is told its outcomes, in the caller's event loop.

        leave: called in the caller's loop when the coroutine goes on in the loop for awaiting, so
        that its thread is free for others. context: the variables that it sees.
        """
        if self._started < self._threads:
            self._started += 1
            loop = asyncio.get_running_loop()
            name = f"predict_{self._started}"
            threading.Thread(target=self._serve, args=(loop,), name=name, daemon=True).start()
        self._inbox.put((work, done, leave, context))

    def _serve(self, home: asyncio.AbstractEventLoop) -> None:
        while True:
            # In a method of its own: what it was given, answers above all, ends with it, and not
            # when the next work comes.
            self._do(home, *self._inbox.get())

    def _do(
        self,
        home: asyncio.AbstractEventLoop,
        work: Work,
        done: Done,
        leave: Leave,
        context: Context,
    ) -> None:
        # The caller's loop is closed when the process ends: nobody waits any more.
        with suppress(RuntimeError):
            context.run(self._begin, home, work, done, leave)

    def _begin(self, home: asyncio.AbstractEventLoop, work: Work, done: Done, leave: Leave) -> None:
        try:
            work.send(None)
        except StopIteration as end:
            home.call_soon_threadsafe(done, end.value)
        else:
            told = asyncio.run_coroutine_threadsafe(_tell(work, home, done), self._awaiting.loop)
            home.call_soon_threadsafe(leave, told.cancel)


async def _tell(work: Work, home: asyncio.AbstractEventLoop, done: Done) -> None:
    outcomes: list[Outcome] = []
    try:
        outcomes = await _Rest(work)
    finally:
        # Cancelled as well: the caller counts what is running.
        with suppress(RuntimeError):
            home.call_soon_threadsafe(done, outcomes)


class _Rest:
    """What is left of a coroutine that another thread began."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, list[Outcome]]:
        return (yield from self._work.__await__())
