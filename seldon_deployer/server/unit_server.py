"""uvicorn around a unit: start in order, and lose no request at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from seldon_deployer.server.access_log import AccessLog, Application, open_access_log
from seldon_deployer.server.app import UnitApp
from seldon_deployer.server.listening import stop_connecting
from seldon_deployer.server.memory import describe_excess
from seldon_deployer.server.metrics_page import MetricsPage, bind_metrics, serve_metrics
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.tracing import Traced, Tracing, start_tracing

if TYPE_CHECKING:
    from seldon_deployer.server.grpc.server import GrpcServer

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.02
# Ticks of uvicorn, of 0.1 s each.
_SWEEP_TICKS = 10


class UnitServer(uvicorn.Server):
    """uvicorn that loses no request when it is told to end.

    After SIGTERM the port stays open for `drain_seconds`, or until the last connection is gone or
    nobody has asked for `quiet_seconds`: each answer then says `Connection: close`, so that
    clients go elsewhere by themselves. Then nothing new is accepted, and what is in flight has
    `finish_seconds` to end.
    """

    def __init__(
        self,
        app: UnitApp,
        settings: Settings,
        grpc: GrpcServer | None = None,
        grpc_port: int = 0,
        page: MetricsPage | None = None,
    ) -> None:
        self.tracing = start_tracing(os.environ, settings.model_name) if settings.tracing else None
        super().__init__(
            uvicorn.Config(
                _wrap(app, settings, self.tracing),
                http=_protocol(),
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(settings.finish_seconds),
            )
        )
        self._app = app
        self._settings = settings
        self._grpc = grpc
        self._grpc_port = grpc_port
        self._page = page
        self._metrics_server: asyncio.Server | None = None

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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second SIGINT ends at once."""
        self._app.draining = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so: whoever reads the line can connect."""
        if self._page is not None:
            await self._start_metrics(self._page)
        if self._grpc is not None:
            await self._grpc.start(self._settings.host, self._grpc_port, self.tracing)
        await super().startup(sockets)
        for listening in sockets or []:
            logger.info("listening on http://%s:%d", *listening.getsockname()[:2])

    async def on_tick(self, counter: int) -> bool:
        """Look after clients that do not go on with what they began."""
        if counter % _SWEEP_TICKS == 0:
            for connection in list(self.server_state.connections):
                # Not of uvicorn's other protocol, where httptools is missing.
                if hasattr(connection, "drop_if_slow"):
                    connection.drop_if_slow(self._settings.client_seconds)
            self._app.stuck = self._app.stuck or describe_excess(self._settings.max_memory_bytes)
        if self._app.stuck:
            self.give_up()
        return await super().on_tick(counter)

    def give_up(self) -> None:
        """End in order: a thread or memory is lost, and a fresh process has it again."""
        self._app.draining = self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then end."""
        logger.info("told to end: finishing what is in flight")
        if self._grpc is not None:
            await self._grpc.leave()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.drain_seconds
        seen, quiet_end = -1, end
        while self._is_connected and loop.time() < min(end, quiet_end):
            if self._total_requests != seen:
                seen = self._total_requests
                quiet_end = loop.time() + self._settings.quiet_seconds
            if self.force_exit:
                break
            await asyncio.sleep(_TICK_SECONDS)
        for listening in sockets or []:
            stop_connecting(listening)
        await self.stop_taking()
        await self._hear_the_last()
        ends = [super().shutdown(sockets)]
        if self._grpc is not None:
            ends.append(self._grpc.stop(self._settings.finish_seconds))
        await asyncio.gather(*ends)
        # Last: what was counted while draining is to be read too.
        if self._metrics_server is not None:
            self._metrics_server.close()

    async def _hear_the_last(self) -> None:
        """Wait a moment for who has connected and not yet asked: closed, they would be cut off."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.quiet_seconds
        # Once at least: those that wait to be accepted are accepted meanwhile.
        is_owed = True
        while is_owed and loop.time() < end and not self.force_exit:
            await asyncio.sleep(_TICK_SECONDS)
            is_owed = any(
                getattr(connection, "cycle", None) is None
                for connection in self.server_state.connections
            )

    async def stop_taking(self) -> None:
        """End what brings new connections, where that is not a listening socket of one's own."""

    async def _start_metrics(self, page: MetricsPage) -> None:
        bound = bind_metrics(self._settings.host, self._settings.metrics_port)
        if bound is not None:
            self._metrics_server = await serve_metrics(bound, page)

    @property
    def _is_connected(self) -> bool:
        over_grpc = self._grpc is not None and self._grpc.is_connected
        return bool(self.server_state.connections) or over_grpc

    @property
    def _total_requests(self) -> int:
        return self.server_state.total_requests + (
            self._grpc.total_requests if self._grpc is not None else 0
        )


def _protocol() -> Any:
    """How HTTP is read; without httptools uvicorn's own choice."""
    try:
        from seldon_deployer.server.connections import BoundedProtocol
    except ModuleNotFoundError:
        return "auto"
    return BoundedProtocol


def _wrap(app: Application, settings: Settings, tracing: Tracing | None) -> Application:
    """Put around the application what was asked for; nothing costs nothing."""
    if tracing is not None:
        app = Traced(app, tracing)
    if settings.access_log:
        open_access_log()
        app = AccessLog(app)
    return app
