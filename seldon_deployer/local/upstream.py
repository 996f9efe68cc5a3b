"""A small HTTP/1.1 client to units on loopback: kept-alive connections, whole bodies.

It tells apart what a gateway must know to lose no request: nothing was sent, or the connection
ended before an answer. Beside a full client it costs a fraction of the time for each request.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

Header = tuple[bytes, bytes]

# Of one connection to the next hop, never passed on.
HOP_HEADERS = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade", b"content-length", b"host", b"expect"),
    )
)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)\s*\r\n")
_NO_BODY = frozenset((204, 304))


class NotSent(Exception):
    """No connection: the unit has seen nothing of the request."""


class ConnectionLost(Exception):
    """The connection ended before a whole answer; the unit may have seen the request."""


@dataclass(frozen=True)
class Response:
    """A whole answer; header names are lower case."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class Upstream:
    """Connections to units by port."""

    def __init__(self) -> None:
        self._idle: dict[int, list[_Connection]] = {}
        self._loop = asyncio.get_running_loop()

    async def send(
        self, port: int, method: bytes, target: bytes, headers: list[Header], body: bytes
    ) -> Response:
        """Send one request and give the whole answer. Raises NotSent or ConnectionLost."""
        connection = await self._take(port)
        lines = [method + b" " + target + b" HTTP/1.1", b"host: 127.0.0.1:%d" % port]
        lines += [name + b": " + value for name, value in headers if name not in HOP_HEADERS]
        if body or method in (b"POST", b"PUT", b"PATCH"):
            lines.append(b"content-length: %d" % len(body))
        try:
            response = await connection.ask(
                b"\r\n".join([*lines, b"", body]), is_head=method == b"HEAD"
            )
        except asyncio.CancelledError:
            connection.close()
            raise
        if connection.is_reusable:
            self._idle.setdefault(port, []).append(connection)
        else:
            connection.close()
        return response

    def forget(self, port: int) -> None:
        """Close the idle connections to a unit that goes."""
        for connection in self._idle.pop(port, []):
            connection.close()

    def close(self) -> None:
        """Close everything that is idle."""
        for port in list(self._idle):
            self.forget(port)

    async def _take(self, port: int) -> _Connection:
        idle = self._idle.get(port, [])
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
        try:
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._loop), "127.0.0.1", port
            )
        except OSError as error:
            raise NotSent(f"dial tcp 127.0.0.1:{port}: connect: connection refused") from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._buffer = bytearray()
        self._needed = 0
        self._is_head = False
        self.is_reusable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")  # noqa: S101
        self._transport = transport  # type: ignore[assignment]
        self.is_reusable = True

    async def ask(self, request: bytes, *, is_head: bool) -> Response:
        if self._transport is None or self._transport.is_closing():
            raise NotSent("EOF")
        self._is_head = is_head
        self._buffer.clear()
        self._needed = 0
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            # Bytes that nobody asked for: this connection is not to be trusted.
            self.close()
            return
        self._buffer += data
        # A long body is looked at when it is whole, not at each of its thousand pieces.
        if len(self._buffer) >= self._needed:
            self._parse(at_end=False)

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_reusable = False
        if self._answer is not None and not self._answer.done():
            self._parse(at_end=True)
            if not self._answer.done():
                self._answer.set_exception(ConnectionLost("EOF"))

    def close(self) -> None:
        self.is_reusable = False
        if self._transport is not None:
            self._transport.close()

    def _parse(self, *, at_end: bool) -> None:
        assert self._answer is not None  # noqa: S101
        try:
            parsed = parse_response(bytes(self._buffer), is_head=self._is_head, at_end=at_end)
        except ValueError as error:
            self._answer.set_exception(ConnectionLost(f"malformed HTTP response: {error}"))
            self.close()
            return
        if parsed is None:
            self._needed = _whole_length(self._buffer)
        else:
            response, keep_alive = parsed
            self.is_reusable = self.is_reusable and keep_alive
            self._answer.set_result(response)


def parse_response(data: bytes, *, is_head: bool, at_end: bool) -> tuple[Response, bool] | None:
    """Read an HTTP/1.1 response and whether the connection stays; None while it is incomplete.

    Raises ValueError where it is no HTTP response.
    """
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    lines = head.split(b"\r\n")
    version, _, tail = lines[0].partition(b" ")
    status = int(tail[:3])
    if not version.startswith(b"HTTP/1."):
        raise ValueError(lines[0][:40])
    if 100 <= status < 200:
        return parse_response(rest, is_head=is_head, at_end=at_end)
    headers = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers.append((name.strip().lower(), value.strip()))
    fields = dict(headers)
    keep_alive = fields.get(b"connection", b"").lower() != b"close" and version != b"HTTP/1.0"
    body: bytes | None
    if is_head or status in _NO_BODY:
        body = b""
    elif fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = _dechunk(rest)
    elif b"content-length" in fields:
        length = int(fields[b"content-length"])
        body = rest[:length] if len(rest) >= length else None
    else:
        body, keep_alive = (rest, False) if at_end else (None, False)
    if body is None:
        return None
    return Response(status, tuple(headers), body), keep_alive


def _whole_length(data: bytearray) -> int:
    """How long a response that tells its length is; 0 where it does not."""
    end = data.find(b"\r\n\r\n")
    match = _LENGTH.search(data, 0, end + 2) if end >= 0 else None
    return end + 4 + int(match[1]) if match else 0


def _dechunk(data: bytes) -> bytes | None:
    parts: list[bytes] = []
    position = 0
    while True:
        end = data.find(b"\r\n", position)
        if end < 0:
            return None
        size = int(data[position:end].partition(b";")[0], 16)
        start = end + 2
        if len(data) < start + size + 2:
            return None
        if size == 0:
            # Trailers are none of ours; the last empty line ends the body.
            return b"".join(parts)
        parts.append(data[start : start + size])
        position = start + size + 2
