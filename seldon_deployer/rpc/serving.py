"""What a server of gRPC shares over all its connections, and a call as its application sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seldon_deployer.rpc.messages import Buffer, read_timeout
from seldon_deployer.rpc.status import RpcError, StatusCode

if TYPE_CHECKING:
    from seldon_deployer.rpc.server import ServerConnection, ServerStream

_PONG_SECONDS = 1.0


class Call:
    """One call: what was asked, and what answers it as a stream of messages.

    headers: in lower case. deadline: when the client stops waiting, in the event loop's time.
    peer: the client's address.
    """

    __slots__ = ("_connection", "_stream", "deadline", "headers", "path", "peer")

    def __init__(self, connection: ServerConnection, stream: ServerStream) -> None:
        self._connection = connection
        self._stream = stream
        request = stream.request
        self.path = request.path
        self.headers = request.headers
        self.peer = connection.peer
        seconds = None if request.timeout is None else read_timeout(request.timeout)
        self.deadline = None if seconds is None else connection.loop.time() + seconds

    @property
    def message(self) -> Buffer:
        """The message of a call that has one. Raises RpcError where there is none, or are more.

        It is the caller's: taken once, nothing else keeps it.
        """
        messages = self._stream.messages
        if len(messages) != 1:
            raise RpcError(StatusCode.INTERNAL, f"one message was to come, and {len(messages)} did")
        return messages.popleft()

    @property
    def size_bytes(self) -> int:
        """Bytes of the messages that wait to be taken."""
        return sum(len(message) for message in self._stream.messages)

    async def read(self) -> Buffer | None:
        """The next message of a stream; None when there are no more, or the server ends."""
        stream = self._stream
        while not stream.messages:
            if stream.is_ended_there or stream.is_cut:
                return None
            stream.news = self._connection.loop.create_future()
            await stream.news
        return stream.messages.popleft()

    def write(self, parts: Sequence[Buffer]) -> None:
        """Answer by one of several messages."""
        self._connection.answer_part(self._stream, parts)


# Gives the parts of the one message that answers, or None where it wrote all there is to write.
# Raises RpcError.
Answer = Callable[[Call], Awaitable[Sequence[Buffer] | None]]


@dataclass
class Serving:
    """What the connections of one server share.

    streams_in: whether a path takes several messages: such a call begins before they are there.
    draining: each connection is told to end.
    """

    answer: Answer
    most_bytes: int
    streams_in: Callable[[str], bool] = lambda _: False
    connections: set[ServerConnection] = field(default_factory=set)
    total_calls: int = 0
    draining: bool = False

    def drain(self) -> None:
        """Tell all clients to ask elsewhere, or by a new connection; what is asked is answered."""
        self.draining = True
        for connection in self.connections:
            connection.leave()

    async def stop(self, finish_seconds: float) -> None:
        """Answer what is in flight, which has so long to end, and close all connections."""
        self.drain()
        loop = asyncio.get_running_loop()
        start = loop.time()
        while self.connections and loop.time() < start + finish_seconds:
            # Who does not even answer a ping is not waited for.
            is_late = loop.time() > start + _PONG_SECONDS
            if is_late and not any(each.streams for each in self.connections):
                break
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.close()
