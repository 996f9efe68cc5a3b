"""The client's side: calls of one message and one answer, by port of this machine.

It tells apart what a gateway must know to lose no call: nothing was begun, or the connection ended
before an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from h2.errors import ErrorCodes

from seldon_deployer.rpc.connection import LAST_STREAM, Connection, Stream
from seldon_deployer.rpc.messages import (
    Buffer,
    MessageReader,
    write_prefix,
    write_timeout,
)
from seldon_deployer.rpc.status import Headers, RpcError, StatusCode, read_status

_CONTENT = ((b"content-type", b"application/grpc"), (b"te", b"trailers"))
# As a server tells that does not say otherwise; more calls at once get another connection.
MOST_CALLS = 100
_ANY_SIZE = 2**31 - 1


class NotBegun(Exception):
    """The server has not begun with the call: it may be made elsewhere."""


class CallLost(Exception):
    """The connection ended before an answer; the server may have begun with the call."""


class ClientStream(Stream):
    """A call on its way."""

    __slots__ = ("answer", "message", "reader", "trailers")

    def __init__(self, number: int, answer: asyncio.Future[Buffer]) -> None:
        super().__init__(number)
        self.answer = answer
        self.reader = MessageReader(_ANY_SIZE)
        self.message: Buffer | None = None
        self.trailers: dict[bytes, bytes] = {}

    def fail(self, error: Exception) -> None:
        """End it by an exception."""
        if not self.answer.done():
            self.answer.set_exception(error)


class ClientConnection(Connection[ClientStream]):
    """One connection to a server."""

    is_client = True

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._is_leaving = False

    @property
    def has_room(self) -> bool:
        """Whether one more call may be made by it."""
        return self.is_open and not self._is_leaving and len(self.streams) < MOST_CALLS

    async def ask(
        self, path: str, headers: Headers, parts: Sequence[Buffer], timeout_seconds: float | None
    ) -> Buffer:
        """Make a call. Raises RpcError for an answer that is no OK, NotBegun, CallLost."""
        number = self.state.get_next_available_stream_id()
        stream = ClientStream(number, self._loop.create_future())
        self.streams[number] = stream
        head = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode())]
        head += [(b":authority", b"localhost"), *_CONTENT, *headers]
        if timeout_seconds is not None:
            head.append((b"grpc-timeout", write_timeout(timeout_seconds)))
        self.send_headers(stream, tuple(head))
        self.send(stream, (write_prefix(parts), *parts), ())
        self.flush()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await stream.answer
        except TimeoutError:
            raise RpcError(StatusCode.DEADLINE_EXCEEDED, "no answer in time") from None
        finally:
            if stream.number in self.streams:
                self.reset(stream, ErrorCodes.CANCEL)
                self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """No more answers come."""
        for stream in list(self.streams.values()):
            stream.fail(CallLost("EOF"))
        super().connection_lost(exc)

    def take_headers(self, number: int, headers: Headers) -> None:
        """Headers at the beginning of an answer; of an error they are its end, too."""
        stream = self.streams.get(number)
        if stream is None:
            return
        stream.trailers = told = dict(headers)
        if told.get(b":status") != b"200":
            status = told.get(b":status", b"none").decode("latin-1")
            stream.fail(RpcError(StatusCode.UNKNOWN, f"the answer's HTTP status is {status}"))

    def take_trailers(self, stream: ClientStream, headers: Headers) -> None:
        """Headers at the end of an answer."""
        stream.trailers = dict(headers)

    def take_data(self, stream: ClientStream, data: memoryview) -> None:
        """A piece of the answer."""
        try:
            for message in stream.reader.take(data):
                stream.message = message
        except RpcError as error:
            stream.fail(error)

    def take_end(self, stream: ClientStream) -> None:
        """The answer is whole."""
        if stream.answer.done():
            return
        status = read_status(stream.trailers)
        if status is None:
            stream.fail(RpcError(StatusCode.UNKNOWN, "the answer tells no status"))
        elif status[0] != StatusCode.OK:
            stream.fail(RpcError(*status))
        elif stream.message is None:
            stream.fail(RpcError(StatusCode.INTERNAL, "the answer holds no message"))
        else:
            stream.answer.set_result(stream.message)
        stream.message = None

    def drop_stream(self, stream: ClientStream, code: int) -> None:
        """A call ended before its answer."""
        if code == ErrorCodes.REFUSED_STREAM:
            stream.fail(NotBegun("the server takes no more calls"))
        else:
            stream.fail(CallLost(f"the call was ended: error {code} of HTTP/2"))

    def take_goaway(self, last: int) -> None:
        """The server ends: what it has not begun may go elsewhere."""
        self._is_leaving = True
        for stream in [each for each in self.streams.values() if each.number > last]:
            stream.fail(NotBegun("the server ends"))
            self.remove(stream)
        self._close_when_done()

    def remove(self, stream: ClientStream) -> None:
        """A call is over."""
        super().remove(stream)
        self._close_when_done()

    def _close_when_done(self) -> None:
        if self._is_leaving and not self.streams:
            self.close()


class RpcClient:
    """Connections to servers on this machine, by port."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections: dict[int, list[ClientConnection]] = {}

    async def ask(
        self,
        port: int,
        path: str,
        headers: Headers,
        parts: Sequence[Buffer],
        timeout_seconds: float | None = None,
    ) -> Buffer:
        """Make a call. Raises RpcError for an answer that is no OK, NotBegun, CallLost."""
        connection = await self._take(port)
        return await connection.ask(path, headers, parts, timeout_seconds)

    def forget(self, port: int) -> None:
        """End the connections to a server that goes, when their calls are answered."""
        for connection in self._connections.pop(port, []):
            connection.take_goaway(LAST_STREAM)

    def close(self) -> None:
        """Close all connections."""
        for connections in self._connections.values():
            for connection in connections:
                connection.close()
        self._connections.clear()

    async def _take(self, port: int) -> ClientConnection:
        known = [each for each in self._connections.get(port, []) if each.is_open]
        self._connections[port] = known
        for connection in known:
            if connection.has_room:
                return connection
        try:
            _, connection = await self._loop.create_connection(
                lambda: ClientConnection(self._loop), "127.0.0.1", port
            )
        except OSError as error:
            raise NotBegun(f"dial tcp 127.0.0.1:{port}: connect: connection refused") from error
        self._connections.setdefault(port, []).append(connection)
        return connection
