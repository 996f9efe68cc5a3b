"""One of several workers: serves the connections that the supervisor hands to it.

Connections come as file descriptors over one socket; what there is to say goes back over another,
a JSON document a line. The end of the first one is the end of the worker, so that no worker
outlives its supervisor.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
from collections.abc import Mapping
from typing import Any

from seldon_deployer.server.metrics import Metrics, to_lists
from seldon_deployer.server.unit_server import UnitServer

# Which descriptors the two sockets are.
LINK_VARIABLE = "SELDON_DEPLOYER_WORKER_LINK"
# Numbers are handed on every so many ticks of uvicorn, of 0.1 s each.
_TICKS = 5
_ACCEPTED_AT_ONCE = 64


class Link:
    """A worker's end of the two sockets."""

    def __init__(self, descriptors: str) -> None:
        handed, told = (int(each) for each in descriptors.split(","))
        self.handed = socket.socket(fileno=handed)
        self.handed.setblocking(False)
        self._told = socket.socket(fileno=told)
        # Nothing that the user's class starts inherits them.
        for each in (self.handed, self._told):
            each.set_inheritable(False)

    def tell(self, **message: Any) -> None:
        """Tell the supervisor; when it is gone there is nobody to tell."""
        try:
            self._told.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.handed.close()

    def take(self) -> socket.socket | None:
        """The next connection; None when there is none just now. Raises EOFError at the end."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.handed, 1, 1)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return socket.socket(fileno=descriptors[0])


def find_link(environment: Mapping[str, str]) -> Link | None:
    """The link of this process, where a supervisor has started it."""
    descriptors = environment.get(LINK_VARIABLE)
    return Link(descriptors) if descriptors else None


class WorkerServer(UnitServer):
    """A unit's server whose connections come over the link."""

    def __init__(self, *given: Any, link: Link, metrics: Metrics, **named: Any) -> None:
        super().__init__(*given, **named)
        self._link = link
        self._metrics = metrics
        self._ended = asyncio.Event()
        self._protocol: Any = None
        settings = self._settings
        self._most = settings.max_requests and (
            # Chance that nobody's secret depends on.
            settings.max_requests + random.randint(0, settings.max_requests_jitter)  # noqa: S311
        )
        self._is_retiring = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections, then say so."""
        await super().startup(sockets or [])
        self._protocol = _telling(self.config.http_protocol_class, self._link)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._link.handed.fileno(), self._take_all)
        self._link.tell(ready=os.getpid())

    async def on_tick(self, counter: int) -> bool:
        """Hand the numbers on, and ask to be replaced after the most requests."""
        if counter % _TICKS == 0:
            self._link.tell(metrics=to_lists(self._metrics.snapshot()))
        if self._most and self._total_requests >= self._most:
            self.give_up()
        return await super().on_tick(counter)

    def give_up(self) -> None:
        """Ask to be replaced, once: whoever takes the place ends this one."""
        if not self._is_retiring:
            self._is_retiring = True
            self._link.tell(retiring=True)

    async def stop_taking(self) -> None:
        """Have the supervisor hand out no more, and take all that it handed before."""
        self._link.tell(closing=True)
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then end; the last numbers go before."""
        await super().shutdown(sockets)
        self._link.tell(metrics=to_lists(self._metrics.snapshot()))

    def _take_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for _ in range(_ACCEPTED_AT_ONCE):
                connection = self._link.take()
                if connection is None:
                    return
                task = loop.create_task(self._serve_connection(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except EOFError:
            loop.remove_reader(self._link.handed.fileno())
            self._ended.set()
            self._app.draining = self.should_exit = True

    async def _serve_connection(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:
            # Gone before it was served.
            self._link.tell(closed=1)

    def _make_protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self._protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _telling(protocol: Any, link: Link) -> Any:
    """That protocol, telling the end of each connection."""

    class Telling(protocol):  # type: ignore[misc]
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            link.tell(closed=1)

    return Telling
