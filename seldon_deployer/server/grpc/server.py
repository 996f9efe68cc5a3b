"""The gRPC server of a unit: in the event loop of its REST, before the same object."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.server.calls import Calls
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.grpc.definitions import build_pool
from seldon_deployer.server.grpc.operation import Operation, Question
from seldon_deployer.server.grpc.seldon_services import seldon_services
from seldon_deployer.server.grpc.status import details_of, status_of
from seldon_deployer.server.grpc.v2_services import V2_SERVICE, v2_operations
from seldon_deployer.server.settings import Settings

logger = logging.getLogger(__name__)

_Answer = Callable[[bytes, Any], Awaitable[bytes]]
_SERVING = health_pb2.HealthCheckResponse.SERVING


class GrpcServer:
    """Both protocols, health and reflection, on one port.

    The port may be one that other workers listen on, too: they share it.
    """

    def __init__(self, component: Component, settings: Settings, calls: Calls) -> None:
        self._services = {
            **seldon_services(component, settings),
            V2_SERVICE: v2_operations(component, settings),
        }
        self._calls = calls
        self._health = health.aio.HealthServicer()
        self._max_bytes = settings.grpc_max_bytes
        self._server: Any = None
        self.total_requests = 0

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises SeldonDeployerError when the port is taken."""
        options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", self._max_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        self._server = grpc.aio.server(options=options)
        for name, operations in self._services.items():
            handlers = {
                method: grpc.unary_unary_rpc_method_handler(self._answers(name, operation))
                for method, operation in operations.items()
            }
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(name, handlers),)
            )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [*self._services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server, pool=_reflection_pool())
        for name in ("", *names):
            await self._health.set(name, _SERVING)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise SeldonDeployerError(
                f"cannot listen on {address}",
                why=str(error),
                hint="choose another port with --grpc-port",
            ) from None
        await self._server.start()
        logger.info("listening on grpc://%s", address)

    async def leave(self) -> None:
        """Tell those who ask for health that this server is about to end."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, finish_seconds: float) -> None:
        """Take nothing new, and give what is in flight its time to end."""
        await self._server.stop(finish_seconds)

    def _answers(self, service: str, operation: Operation) -> _Answer:
        return partial(self._answer, operation, service != V2_SERVICE)

    async def _answer(
        self, operation: Operation, is_seldon: bool, request: bytes, context: Any
    ) -> bytes:
        self.total_requests += 1
        try:
            if isinstance(operation, Question):
                return await self._calls.ask(partial(operation.answer, request))
            left = context.time_remaining()
            deadline = None if left is None else asyncio.get_running_loop().time() + left
            return await self._calls.run(
                operation.answer(request),
                method=operation.method,
                deadline=deadline,
                size_bytes=len(request),
            )
        except UnitError as error:
            # Ends this coroutine by an exception of its own.
            await context.abort(status_of(error), details_of(error, with_reason=is_seldon))
            raise


def _reflection_pool() -> DescriptorPool:
    """All that reflection tells of: our own services, and the libraries' two."""
    return build_pool(health_pb2.DESCRIPTOR.serialized_pb, reflection_pb2.DESCRIPTOR.serialized_pb)
