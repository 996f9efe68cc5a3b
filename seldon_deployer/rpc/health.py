"""gRPC's health service, for any server here.

Source: gRPC, "GRPC Health Checking Protocol".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from seldon_deployer.rpc.fields import split_field
from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.rpc.serving import Call
from seldon_deployer.rpc.status import RpcError, StatusCode

HEALTH_SERVICE = "grpc.health.v1.Health"
_CHECK, _WATCH = f"/{HEALTH_SERVICE}/Check", f"/{HEALTH_SERVICE}/Watch"
# HealthCheckResponse, whose field 1 is the status.
_SERVING, _NOT_SERVING, _SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"


class Health:
    """Answers for the server (the empty name) and for its services."""

    def __init__(self, services: Callable[[], Awaitable[Collection[str]]]) -> None:
        self._services = services
        self._is_serving = True
        self._changed = asyncio.Event()

    def leave(self) -> None:
        """Say from now on that nothing is served."""
        self._is_serving = False
        self._changed.set()

    async def answer(self, call: Call) -> list[Buffer] | None:
        """Answer one call of the service. Raises RpcError."""
        if call.path == _CHECK:
            status = await self._status(_read_name(call.message))
            if status == _SERVICE_UNKNOWN:
                raise RpcError(StatusCode.NOT_FOUND, "there is no service of that name here")
            return [status]
        if call.path == _WATCH:
            name = _read_name(call.message)
            call.write([await self._status(name)])
            await self._changed.wait()
            call.write([await self._status(name)])
            return None
        raise RpcError(StatusCode.UNIMPLEMENTED, f"{HEALTH_SERVICE} has Check and Watch")

    async def _status(self, name: str) -> bytes:
        if name and name not in await self._services():
            return _SERVICE_UNKNOWN
        return _SERVING if self._is_serving else _NOT_SERVING


def _read_name(message: Buffer) -> str:
    try:
        _, names = split_field(message, 1)
        return bytes(names[-1]).decode() if names else ""
    except ValueError as error:
        raise RpcError(
            StatusCode.INTERNAL, "the request is no grpc.health.v1.HealthCheckRequest"
        ) from error
