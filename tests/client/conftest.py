"""Both forms of the client behind one door: what is true of one is true of the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seldon_deployer.client import AsyncInferenceClient, InferenceClient


class Asking:
    """A client of one form; its methods block in both."""

    def __init__(self, form: str, *args: Any, **options: Any) -> None:
        kind: Any = AsyncInferenceClient if form == "async" else InferenceClient
        self.client = kind(*args, **options)
        self._loop = asyncio.new_event_loop() if form == "async" else None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if self._loop is None or not callable(method):
            return method
        loop = self._loop
        return lambda *args, **options: loop.run_until_complete(method(*args, **options))

    def end(self) -> None:
        self.close()
        if self._loop is not None:
            # Connections that were closed are let go in the next turns of the loop.
            self._loop.run_until_complete(asyncio.sleep(0.01))
            self._loop.close()


@pytest.fixture(params=["sync", "async"])
def make_client(request: pytest.FixtureRequest):
    """Makes clients of both forms, one form at a time."""
    made: list[Asking] = []

    def make(*args: Any, **options: Any) -> Asking:
        made.append(Asking(request.param, *args, **options))
        return made[-1]

    yield make
    for each in made:
        each.end()
