"""The event loop of the user's methods that await: one, from `load` to the last request.

What `load` opened there, a session or a pool of connections, belongs to the loop that it was opened
in; and a method that forgets to await holds up its like, never the health checks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

T = TypeVar("T")


class Awaiting:
    """An event loop in a thread of its own, started when first asked for.

    A daemon: a method that never returns does not keep the process from ending.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="predict_async", daemon=True
                )
                self._thread.start()
            return self._loop

    @property
    def thread(self) -> int:
        """The identifier of the loop's thread; 0 where it has not been started."""
        return (self._thread.ident or 0) if self._thread else 0

    def run(self, given: Awaitable[T]) -> T:
        """Wait in this thread for what another one awaits. Raises what it raises.

        Raises RuntimeError in the loop itself, which would wait for ever.
        """
        if threading.current_thread() is self._thread:
            if isinstance(given, Coroutine):
                given.close()
            raise RuntimeError(
                "tags, metrics and class_names cannot be async where the method itself is: "
                "take what they need in the method, and return it with them"
            )
        return asyncio.run_coroutine_threadsafe(_wait(given), self.loop).result()


async def _wait(given: Awaitable[T]) -> T:
    return await given
