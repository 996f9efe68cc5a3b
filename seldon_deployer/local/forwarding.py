"""Which pod a request goes to, and the next one where that pod went away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from seldon_deployer.local.ready_pod import Target
from seldon_deployer.local.routes import Routes

# How long a request waits for the gateway to hear what became of its pod.
PATIENCE_SECONDS = 1.0
# More copies for shadows than this are not made while the first ones wait, as Istio's proxies do.
MOST_COPIES = 1024

logger = logging.getLogger(__name__)

T = TypeVar("T")


class NoPod(Exception):
    """No pod is ready for the request."""


async def forward(
    routes: Routes,
    namespace: str,
    name: str,
    attempt: Callable[[Target], Awaitable[T | None]],
) -> T:
    """Make an attempt at one pod after another, until one of them gives an answer.

    Raises NoPod.
    """
    tried: set[str] = set()
    patience = PATIENCE_SECONDS
    loop = asyncio.get_running_loop()
    while True:
        target = _pick(routes, namespace, name, tried)
        if target is None:
            if not tried or patience <= 0:
                raise NoPod(f"no pod of {name} is ready in namespace {namespace}")
            # Its pod went away before the gateway heard of it: see what came instead.
            before = loop.time()
            await routes.wait_for_change(patience)
            patience -= loop.time() - before
            tried.clear()
            continue
        tried.add(target.uid)
        answer = await _count(target, attempt)
        if answer is not None:
            return answer


class Copies:
    """Copies of requests on their way to shadows; nobody waits for what becomes of them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(
        self,
        routes: Routes,
        namespace: str,
        name: str,
        attempt: Callable[[Target], Awaitable[Any]],
    ) -> None:
        """Send a request to the shadows that it is copied to."""
        for target in routes.pick_shadows(namespace, name):
            if len(self._tasks) >= MOST_COPIES:
                return
            copy = asyncio.get_running_loop().create_task(_count(target, attempt))
            self._tasks.add(copy)
            copy.add_done_callback(self._forget)

    async def wait(self) -> None:
        """Wait until none is on its way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, copy: asyncio.Task[Any]) -> None:
        self._tasks.discard(copy)
        if not copy.cancelled() and (error := copy.exception()) is not None:
            logger.warning("a copy for a shadow failed", exc_info=error)


async def _count(target: Target, attempt: Callable[[Target], Awaitable[T]]) -> T:
    target.outstanding += 1
    try:
        return await attempt(target)
    finally:
        target.outstanding -= 1


def _pick(routes: Routes, namespace: str, name: str, tried: set[str]) -> Target | None:
    try:
        return routes.pick(namespace, name, tried)
    except KeyError:
        return None
