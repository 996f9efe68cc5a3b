"""The gRPC server of a unit: in the event loop of its REST, before the same object.

It listens as soon as the unit does. The messages' classes, whose import takes longer than the
model's in many units, are brought in when the first client connects, away from the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.rpc.health import HEALTH_SERVICE, Health
from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.rpc.server import ServerConnection
from seldon_deployer.rpc.serving import Answer, Call, Serving
from seldon_deployer.rpc.status import RpcError, StatusCode
from seldon_deployer.server.access_log import log_calls
from seldon_deployer.server.calls import Calls
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.grpc.operation import Operation, Question
from seldon_deployer.server.grpc.status import details_of, status_of
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.tracing import Tracing, trace_calls

logger = logging.getLogger(__name__)

_V2_SERVICE = "inference.GRPCInferenceService"
_REFLECTION = "grpc.reflection.v1.ServerReflection"
# Of the same messages; many tools ask by the older name alone.
_REFLECTION_PATHS = frozenset(
    f"/{name}/ServerReflectionInfo" for name in (_REFLECTION, _REFLECTION.replace("v1", "v1alpha"))
)
_BACKLOG = 2048


class _Method(NamedTuple):
    """What answers a path; of Seldon's protocol errors tell their reason."""

    operation: Operation
    is_seldon: bool


class GrpcServer:
    """Both protocols, health and reflection, on one port.

    The port may be one that other workers listen on, too: they share it.
    """

    def __init__(self, component: Component, settings: Settings, calls: Calls) -> None:
        self._component = component
        self._settings = settings
        self._calls = calls
        self._loading: asyncio.Future[Mapping[str, _Method]] | None = None
        self._methods: Mapping[str, _Method] = {}
        self._health = Health(self._service_names)
        self._serving = Serving(
            self._answer, settings.grpc_max_bytes, _REFLECTION_PATHS.__contains__
        )
        self._server: asyncio.Server | None = None

    @property
    def total_requests(self) -> int:
        """How many calls there were."""
        return self._serving.total_calls

    @property
    def is_connected(self) -> bool:
        """Whether any client is connected."""
        return bool(self._serving.connections)

    async def start(self, host: str, port: int, tracing: Tracing | None = None) -> None:
        """Listen. Raises SeldonDeployerError when the port is taken."""
        answer: Answer = self._answer
        if tracing is not None:
            answer = trace_calls(answer, tracing)
        if self._settings.access_log:
            answer = log_calls(answer)
        self._serving.answer = answer
        loop = asyncio.get_running_loop()
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server = await loop.create_server(
                lambda: self._connection(loop), host, port, reuse_port=True, backlog=_BACKLOG
            )
        except OSError as error:
            raise SeldonDeployerError(
                f"cannot listen on {address}",
                why=error.strerror or str(error),
                hint="choose another port with --grpc-port",
            ) from None
        logger.info("listening on grpc://%s", address)

    async def leave(self) -> None:
        """Tell clients, and those who ask for health, that this server is about to end."""
        self._health.leave()
        self._serving.drain()

    async def stop(self, finish_seconds: float) -> None:
        """Take nothing new, and give what is in flight its time to end."""
        if self._server is not None:
            self._server.close()
        await self._serving.stop(finish_seconds)

    def _connection(self, loop: asyncio.AbstractEventLoop) -> ServerConnection:
        self._load()
        return ServerConnection(self._serving, loop)

    def _load(self) -> asyncio.Future[Mapping[str, _Method]]:
        if self._loading is None:
            loop = asyncio.get_running_loop()
            build = partial(_build_methods, self._component, self._settings)
            self._loading = asyncio.ensure_future(loop.run_in_executor(None, build))
        return self._loading

    async def _service_names(self) -> Collection[str]:
        methods = await self._load()
        own = {path.split("/")[1] for path in methods}
        return own | {HEALTH_SERVICE, _REFLECTION}

    async def _answer(self, call: Call) -> Sequence[Buffer] | None:
        method = self._methods.get(call.path)
        if method is None:
            if call.path.startswith(f"/{HEALTH_SERVICE}/"):
                return await self._health.answer(call)
            if call.path in _REFLECTION_PATHS:
                await self._reflect(call)
                return None
            self._methods = await self._load()
            method = self._methods.get(call.path)
        if method is None:
            raise RpcError(StatusCode.UNIMPLEMENTED, f"there is no method {call.path}")
        message = call.message
        try:
            return await self._ask(method.operation, message, call.deadline)
        except UnitError as error:
            details = details_of(error, with_reason=method.is_seldon)
            raise RpcError(status_of(error), details) from error

    async def _ask(
        self, operation: Operation, message: Buffer, deadline: float | None
    ) -> Sequence[Buffer]:
        if isinstance(operation, Question):
            return [await self._calls.ask(partial(operation.answer, message))]
        return await self._calls.run(
            operation.answer(message),
            method=operation.method,
            deadline=deadline,
            size_bytes=len(message),
        )

    async def _reflect(self, call: Call) -> None:
        services = await self._service_names()
        from seldon_deployer.server.grpc.reflection import answer_reflection

        await answer_reflection(call, services)


def _build_methods(component: Component, settings: Settings) -> Mapping[str, _Method]:
    from seldon_deployer.server.grpc.seldon_services import seldon_services
    from seldon_deployer.server.grpc.v2_services import v2_operations

    services = {
        **seldon_services(component, settings),
        _V2_SERVICE: v2_operations(component, settings),
    }
    return {
        f"/{service}/{name}": _Method(operation, service != _V2_SERVICE)
        for service, operations in services.items()
        for name, operation in operations.items()
    }
