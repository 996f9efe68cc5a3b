"""One unit as a process: load, then listen; drain on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from seldon_deployer.errors import SeldonDeployerError, UsageError
from seldon_deployer.server.app import UnitApp
from seldon_deployer.server.batching import read_policy
from seldon_deployer.server.calls import Calls
from seldon_deployer.server.environment_file import add_environment_file
from seldon_deployer.server.load import LoadFailed, load_component
from seldon_deployer.server.metrics import merge
from seldon_deployer.server.metrics_page import MetricsPage, read_labels
from seldon_deployer.server.settings import Settings, read_settings
from seldon_deployer.server.threads import bound_threads
from seldon_deployer.server.unit_server import UnitServer
from seldon_deployer.server.worker import LINK_VARIABLE, Link, WorkerServer, find_link
from seldon_deployer.server.workers import Supervisor

if TYPE_CHECKING:
    from seldon_deployer.server.component import Component
    from seldon_deployer.server.grpc.server import GrpcServer

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    A failed start returns the error's code, its reason as the last line on stderr.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        # The user's class and other workers see it too.
        add_environment_file(os.environ)
        settings = read_settings(arguments, environment)
        logging.getLogger().setLevel(settings.log_level)
        bound_threads(os.environ, settings.threads * settings.workers)
        link = find_link(environment)
        # Not for what the user's class starts.
        os.environ.pop(LINK_VARIABLE, None)
        if link is None:
            _begin(settings)
        if link is None and (settings.workers > 1 or settings.max_requests):
            return supervise(settings, arguments)
        serve(settings, link)
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


def _begin(settings: Settings) -> None:
    """Tell once for all workers what is asked for in vain, and which process this is."""
    for sentence in settings.without_effect:
        logger.warning(sentence)
    if settings.pidfile is None:
        return
    try:
        Path(settings.pidfile).write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise UsageError(
            f"cannot write {settings.pidfile}",
            why=error.strerror or str(error),
            hint="choose another file with --pidfile",
        ) from None


def serve(settings: Settings, link: Link | None = None) -> None:
    """Load the class, then listen and answer until a signal ends it.

    Nothing listens before the model is loaded, so that a probe of the port alone tells the truth.
    link: where connections come from when a supervisor has the port. Raises SeldonDeployerError
    when the port is taken or the class cannot be loaded.
    """
    if link is not None:
        _serve(settings, settings.grpc_port, link)
        return
    with (
        _bound_socket(settings.host, settings.http_port) as bound,
        _reserved_port(settings.host, settings.grpc_port) as grpc_port,
    ):
        _serve(settings, grpc_port, bound)


def supervise(settings: Settings, arguments: Sequence[str]) -> int:
    """Serve by several processes; returns the exit code.

    Raises SeldonDeployerError when a port is taken.
    """
    with (
        _bound_socket(settings.host, settings.http_port) as bound,
        _reserved_port(settings.host, settings.grpc_port) as grpc_port,
    ):
        own = [] if grpc_port is None else ["--grpc-port", str(grpc_port)]
        return asyncio.run(Supervisor(settings, [*arguments, *own], bound).run())


def _serve(settings: Settings, grpc_port: int | None, source: socket.socket | Link) -> None:
    started = time.perf_counter()
    component = load_component(
        settings.class_path,
        settings.parameters,
        model_uri=settings.model_uri,
        methods=settings.methods,
    )
    component.shows_metrics = settings.shows_metrics
    with contextlib.suppress(ModuleNotFoundError):
        # Messages of data need it, and its import takes longer than a client may wait.
        import numpy  # noqa: F401
    policy = read_policy(component.target, settings.batches | settings.parameters)
    logger.info("loaded %s in %.2f s", settings.class_path, time.perf_counter() - started)
    calls, metrics = Calls(component, settings, policy), component.observer
    app = UnitApp(component, settings, calls)
    grpc = None if grpc_port is None else _grpc_server(component, settings, calls)
    if isinstance(source, Link):
        WorkerServer(app, settings, grpc, grpc_port or 0, link=source, metrics=metrics).run()
        _check(app)
        return
    page = MetricsPage(
        settings.metrics_path,
        lambda: merge([(str(os.getpid()), metrics.snapshot())]),
        dict(read_labels(os.environ)),
    )
    UnitServer(app, settings, grpc, grpc_port or 0, page).run(sockets=[source])
    _check(app)


def _check(app: UnitApp) -> None:
    """Raise SeldonDeployerError where the server has ended itself."""
    if app.stuck:
        raise SeldonDeployerError(
            "the unit has ended itself, for a fresh one to take its place",
            why=app.stuck,
            hint="the log says above where a call is; give more time with --timeout-seconds or the "
            "annotation seldon.io/rest-timeout, more memory with --max-memory-bytes",
        )


def _grpc_server(component: Component, settings: Settings, calls: Calls) -> GrpcServer | None:
    """The server of gRPC; None, with a warning, where its packages are not installed."""
    for library in ("google.protobuf", "hpack"):
        if not _is_installed(library):
            logger.warning(
                "serving REST alone: gRPC needs %s; pip install 'seldon-deployer[server]'", library
            )
            return None
    from seldon_deployer.server.grpc.server import GrpcServer

    return GrpcServer(component, settings, calls)


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:
        return False


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
