"""One unit as a process: load, then listen; drain on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.server.app import UnitApp
from seldon_deployer.server.batching import read_policy
from seldon_deployer.server.calls import Calls
from seldon_deployer.server.load import LoadFailed, load_component
from seldon_deployer.server.metrics import merge
from seldon_deployer.server.metrics_page import (
    MetricsPage,
    bind_metrics,
    read_labels,
    serve_metrics,
)
from seldon_deployer.server.settings import Settings, read_settings
from seldon_deployer.server.threads import bound_threads

if TYPE_CHECKING:
    from seldon_deployer.server.component import Component
    from seldon_deployer.server.grpc.server import GrpcServer

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.02


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    A failed start returns the error's code, its reason as the last line on stderr.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        settings = read_settings(arguments, environment)
        bound_threads(os.environ, settings.threads)
        serve(settings)
    except SeldonDeployerError as error:
        if isinstance(error, LoadFailed) and error.__cause__ is not None:
            # The cause is in the user's own code: its traceback is what they need.
            logger.error("the start failed", exc_info=error.__cause__)
        if error.hint:
            sys.stderr.write(f"try: {error.hint}\n")
        # A container's last line is what Kubernetes and people look at first.
        reason = f"{error.what}: {error.why}" if error.why else error.what
        sys.stderr.write(f"error: {reason}\n")
        return error.exit_code
    return 0


def serve(settings: Settings) -> None:
    """Load the class, then listen and answer until a signal ends it.

    Nothing listens before the model is loaded, so that a probe of the port alone tells the truth.
    Raises SeldonDeployerError when the port is taken or the class cannot be loaded.
    """
    started = time.perf_counter()
    with (
        _bound_socket(settings.host, settings.http_port) as bound,
        _reserved_port(settings.host, settings.grpc_port) as grpc_port,
    ):
        component = load_component(
            settings.class_path,
            settings.parameters,
            model_uri=settings.model_uri,
            methods=settings.methods,
        )
        policy = read_policy(component.target, settings.parameters)
        seconds = time.perf_counter() - started
        logger.info("loaded %s in %.2f s", settings.class_path, seconds)
        calls = Calls(component, settings, policy)
        app = UnitApp(component, settings, calls)
        grpc = None if grpc_port is None else _grpc_server(component, settings, calls)
        page = MetricsPage(
            settings.metrics_path,
            lambda: merge([(str(os.getpid()), component.observer.snapshot())]),
            dict(read_labels(os.environ)),
        )
        UnitServer(app, settings, grpc, grpc_port or 0, page).run(sockets=[bound])


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
        super().__init__(
            uvicorn.Config(
                app,
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
            await self._grpc.start(self._settings.host, self._grpc_port)
        await super().startup(sockets)
        for listening in sockets or []:
            logger.info("listening on http://%s:%d", *listening.getsockname()[:2])

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
        ends = [super().shutdown(sockets)]
        if self._grpc is not None:
            ends.append(self._grpc.stop(self._settings.finish_seconds))
        await asyncio.gather(*ends)
        # Last: what was counted while draining is to be read too.
        if self._metrics_server is not None:
            self._metrics_server.close()

    async def _start_metrics(self, page: MetricsPage) -> None:
        bound = bind_metrics(self._settings.host, self._settings.metrics_port)
        if bound is not None:
            self._metrics_server = await serve_metrics(bound, page)

    @property
    def _is_connected(self) -> bool:
        # Who is connected to gRPC cannot be told: one that asked before may ask again.
        asked = self._grpc is not None and self._grpc.total_requests > 0
        return bool(self.server_state.connections) or asked

    @property
    def _total_requests(self) -> int:
        return self.server_state.total_requests + (
            self._grpc.total_requests if self._grpc is not None else 0
        )


def _grpc_server(component: Component, settings: Settings, calls: Calls) -> GrpcServer | None:
    """The server of gRPC; None, with a warning, where its packages are not installed."""
    try:
        from seldon_deployer.server.grpc.server import GrpcServer
    except ModuleNotFoundError as error:
        logger.warning(
            "serving REST alone: gRPC needs %s; pip install 'seldon-deployer[server]'", error.name
        )
        return None
    return GrpcServer(component, settings, calls)


@contextlib.contextmanager
def _reserved_port(host: str, port: int | None) -> Iterator[int | None]:
    """Take gRPC's port before the model loads: gRPC binds it itself, later, and shares it."""
    if port is None:
        yield None
        return
    # That nobody else has it tells a socket that does not share.
    with _bound_socket(host, port) as alone:
        number: int = alone.getsockname()[1]
    with socket.socket(alone.family, socket.SOCK_STREAM) as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((host, number))
        yield number


@contextlib.contextmanager
def _bound_socket(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port without listening on it: a busy one is an error before the model loads."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise SeldonDeployerError(
                f"cannot listen on {host}:{port}",
                why=error.strerror or str(error),
                hint="choose another port with --http-port or --grpc-port",
            ) from None
        yield bound
