"""REST and gRPC on one port, as an ingress has them: the first bytes tell which it is.

What gRPC needs is imported when somebody speaks it: the gateway starts as fast without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from seldon_deployer.errors import LocalRuntimeError

if TYPE_CHECKING:
    from seldon_deployer.local.gateway_rpc import RpcGateway
    from seldon_deployer.local.routes import Routes

# What a client of HTTP/2 begins with that knows its server. Source: RFC 9113.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FINISH_SECONDS = 10.0


class OnFirstUse:
    """The gateway for gRPC, made for the first client."""

    def __init__(self, routes: Routes, sync: Callable[[], Awaitable[None]]) -> None:
        self._routes = routes
        self._sync = sync
        self._gateway: RpcGateway | None = None

    def connection(self) -> asyncio.Protocol:
        """The protocol of one client's connection. Raises LocalRuntimeError."""
        if self._gateway is None:
            try:
                from seldon_deployer.local.gateway_rpc import RpcGateway
            except ModuleNotFoundError as error:
                raise LocalRuntimeError(
                    f"gRPC needs {error.name}", hint="pip install 'seldon-deployer[server]'"
                ) from error
            self._gateway = RpcGateway(self._routes, self._sync)
        return self._gateway.connection()

    def forget(self, port: int) -> None:
        """End the connections to a unit that goes."""
        if self._gateway is not None:
            self._gateway.forget(port)

    async def stop(self) -> None:
        """Take nothing new, and finish what is in flight."""
        if self._gateway is not None:
            await self._gateway.stop(_FINISH_SECONDS)


def protocol_by_preface(make_other: Callable[[], asyncio.Protocol]) -> Any:
    """uvicorn's protocol for HTTP/1.1, which leaves connections of HTTP/2 to another one."""

    class ByPreface(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        first = b""
        is_known = False

        def data_received(self, data: bytes) -> None:
            if self.is_known:
                super().data_received(data)
                return
            self.first += data
            size = min(len(self.first), len(_PREFACE))
            if self.first[:size] != _PREFACE[:size]:
                self.is_known = True
                super().data_received(self.first)
            elif size == len(_PREFACE):
                self.is_known = True
                self.hand_over()

        def hand_over(self) -> None:
            """Have the other protocol take the connection, from its first byte on."""
            self.connections.discard(self)
            try:
                other = make_other()
            except LocalRuntimeError:
                self.transport.close()
                raise
            self.transport.set_protocol(other)
            other.connection_made(self.transport)
            other.data_received(self.first)

    return ByPreface
