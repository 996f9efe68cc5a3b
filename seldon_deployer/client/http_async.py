"""Requests over aiohttp: for event loops. The one place that knows its exceptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from seldon_deployer.client.connection import KEPT_SECONDS, Connection
from seldon_deployer.client.http import explain_tls
from seldon_deployer.client.messages import Buffer, Call, NoReply, Reply

if TYPE_CHECKING:
    import aiohttp


class AsyncHttpTransport:
    """Sends requests and keeps connections, within one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session: aiohttp.ClientSession | None = None

    async def send(self, call: Call, timeout_seconds: float) -> Reply:
        """Send a request and read its whole answer. Raises NoReply."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=timeout_seconds,
            sock_connect=min(self._connection.connect_timeout_seconds, timeout_seconds),
        )
        headers = dict(call.headers)
        if call.method == "POST":
            headers["Content-Length"] = str(call.size_bytes)
        try:
            async with self._open().request(
                call.method,
                call.url,
                data=_body(call.body),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _explain(error) from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, names, body)

    async def close(self) -> None:
        """Close the kept connections. The transport stays usable."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None or self._session.closed:
            # Made within the loop that uses it; no cookies: requests do not depend on each other.
            connector = aiohttp.TCPConnector(
                limit=0, ssl=self._connection.tls.context(), keepalive_timeout=KEPT_SECONDS
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _body(parts: Sequence[Buffer]) -> Any:
    if len(parts) > 1:
        return _stream(parts)
    return parts[0] if parts else None


async def _stream(parts: Sequence[Buffer]) -> AsyncIterator[Buffer]:
    for part in parts:
        yield part


def _explain(error: Exception) -> NoReply:
    """Say in one form what aiohttp raised."""
    import ssl

    import aiohttp

    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return NoReply("no connection within the time allowed")
    if isinstance(error, TimeoutError):
        return NoReply("no answer in time", is_sent=True, is_timeout=True)
    if isinstance(error, aiohttp.ClientSSLError):
        # Its errors are some of the ssl module's in name only: the real one is their cause.
        return explain_tls(error.__cause__ or error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NoReply("no such host", is_lasting=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return NoReply("connection refused: nothing listens there")
        return NoReply(error.os_error.strerror or type(error.os_error).__name__)
    if isinstance(error, aiohttp.ClientPayloadError):
        return NoReply("the connection was closed within the answer", is_sent=True)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return explain_tls(error)
    if isinstance(error, aiohttp.ClientResponseError):
        return NoReply("what came is no HTTP", is_sent=True, is_lasting=True)
    if isinstance(error, (aiohttp.ServerDisconnectedError, OSError)):
        return NoReply("the connection was closed without an answer", is_sent=True)
    return NoReply(type(error).__name__, is_sent=True)
