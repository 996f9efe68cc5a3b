"""uvicorn on a socket that is already bound, for control and gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, Literal

import uvicorn


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; `on_ready` is called when requests are answered.

    `on_stop` is called in the loop before connections are closed. `http` takes connections.
    """

    def __init__(
        self,
        app: Any,
        *,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None] | None = None,
        http: type[asyncio.Protocol] | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=10,
            )
        )
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; first what would else hold connections open for ever."""
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals without raising them again at the end: an asked-for end is no error."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def take_socket(descriptor: int) -> socket.socket:
    """The listening socket that the starter handed over."""
    return socket.socket(fileno=descriptor)


def tell_ready(descriptor: int) -> None:
    """Tell the starter that requests are answered; it may be gone."""
    with contextlib.suppress(OSError):
        os.write(descriptor, b"ready\n")
        os.close(descriptor)
