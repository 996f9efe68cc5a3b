"""The server's side of a connection: calls come in, an application answers them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from h2.errors import ErrorCodes

from seldon_deployer.rpc.connection import LAST_STREAM, Connection, Stream
from seldon_deployer.rpc.messages import ENCODINGS, Buffer, MessageReader, write_prefix
from seldon_deployer.rpc.request import REFUSAL, Request, read_request
from seldon_deployer.rpc.serving import Call, Serving
from seldon_deployer.rpc.status import Headers, RpcError, StatusCode, status_headers

logger = logging.getLogger(__name__)

MOST_STREAMS = 1000
# Who connects says so at once.
PREFACE_SECONDS = 10.0
_LEAVING = b"leaving!"
_ANSWER_HEAD: Headers = (
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", ENCODINGS),
)
_END_OK = status_headers(StatusCode.OK)


class ServerStream(Stream):
    """A call on its way."""

    __slots__ = (
        "has_begun",
        "is_cut",
        "messages",
        "news",
        "reader",
        "request",
        "task",
        "was_answered",
    )

    def __init__(self, number: int, request: Request, most_bytes: int) -> None:
        super().__init__(number)
        self.request = request
        self.reader = MessageReader(most_bytes, request.encoding)
        self.messages: deque[Buffer] = deque()
        self.task: asyncio.Task[None] | None = None
        self.news: asyncio.Future[None] | None = None
        # Whether the head of an answer was sent, and whether its end was.
        self.has_begun = False
        self.was_answered = False
        # Whether no more messages are wanted of a stream of them.
        self.is_cut = False

    def tell(self) -> None:
        """Wake who waits for a message."""
        if self.news is not None and not self.news.done():
            self.news.set_result(None)


class ServerConnection(Connection[ServerStream]):
    """One client's connection."""

    is_client = False
    most_streams = MOST_STREAMS

    def __init__(self, serving: Serving, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.peer = ""
        self._serving = serving
        self._last = 0
        self._timer: asyncio.TimerHandle | None = None
        # Whether the client was told to ask elsewhere, and whether it has heard.
        self._is_leaving = False
        self._has_said = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._serving.connections.add(self)
        self._timer = self.loop.call_later(PREFACE_SECONDS, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and all calls with it."""
        super().connection_lost(exc)
        self._serving.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def leave(self) -> None:
        """Tell the client that this connection takes no more calls soon."""
        if not self._is_leaving and self.is_open:
            self._is_leaving = True
            # What it sends before it reads this is taken still. What came before the answer to the
            # ping is all that comes.
            self.announce_end(LAST_STREAM)
            self.state.ping(_LEAVING)
            self.flush()
            for stream in self.streams.values():
                # A stream of messages might go on for ever.
                stream.is_cut = self._serving.streams_in(stream.request.path)
                stream.tell()

    def take_pong(self, payload: bytes) -> None:
        """The client knows that this connection takes no more calls."""
        if payload == _LEAVING and self._is_leaving:
            self._has_said = True
            self.announce_end(self._last)
            self._close_when_done()

    def tasks(self) -> list[asyncio.Task[None]]:
        """The calls that are answered now."""
        return [each.task for each in self.streams.values() if each.task is not None]

    def remove(self, stream: ServerStream) -> None:
        """A call is over."""
        super().remove(stream)
        self._close_when_done()

    # --- taking

    def take_headers(self, number: int, headers: Headers) -> None:
        """Begin a call."""
        self._last = number
        request = read_request(headers)
        if self._serving.draining:
            self.leave()
        stream = ServerStream(number, request, self._serving.most_bytes)
        self.streams[number] = stream
        self._serving.total_calls += 1
        if request.refusal is None and self._serving.streams_in(request.path):
            self._begin(stream)

    def take_data(self, stream: ServerStream, data: memoryview) -> None:
        """Take a piece of a message."""
        if stream.was_answered or stream.request.refusal is not None:
            return
        try:
            messages = stream.reader.take(data)
        except RpcError as error:
            self._answer_error(stream, error)
            return
        if messages:
            stream.messages += messages
            stream.tell()

    def take_end(self, stream: ServerStream) -> None:
        """All of the request is there."""
        if stream.was_answered:
            return
        if stream.request.refusal is not None:
            self._refuse(stream, stream.request.refusal)
            return
        if not stream.reader.is_between:
            error = RpcError(StatusCode.INTERNAL, "the message ends before its length")
            self._answer_error(stream, error)
            return
        stream.tell()
        if stream.task is None:
            self._begin(stream)

    def drop_stream(self, stream: ServerStream, code: int) -> None:
        """Nobody waits for this answer any more."""
        del code
        stream.messages.clear()
        if stream.task is not None:
            stream.task.cancel()

    # --- answering

    def _begin(self, stream: ServerStream) -> None:
        stream.task = self.loop.create_task(self._answer(stream))

    async def _answer(self, stream: ServerStream) -> None:
        try:
            parts = await self._serving.answer(Call(self, stream))
        except RpcError as error:
            self._answer_error(stream, error)
        except asyncio.CancelledError:
            # By the client, who hears no more; or at the end, which closes the connection.
            raise
        except Exception:
            logger.exception("%s failed", stream.request.path)
            self._answer_error(stream, RpcError(StatusCode.INTERNAL, "the server failed"))
        else:
            self._answer_whole(stream, parts)
        finally:
            stream.task = None

    def answer_part(self, stream: ServerStream, parts: Sequence[Buffer]) -> None:
        """Send one of several messages."""
        if stream.number in self.streams:
            self._answer_head(stream)
            self.send(stream, (write_prefix(parts), *parts))
            self.flush()

    def _answer_whole(self, stream: ServerStream, parts: Sequence[Buffer] | None) -> None:
        if stream.number not in self.streams:
            return
        self._answer_head(stream)
        if parts is None:
            self.send_headers(stream, _END_OK, is_end=True)
        else:
            self.send(stream, (write_prefix(parts), *parts), _END_OK)
        stream.was_answered = True
        self._settle(stream)

    def _answer_error(self, stream: ServerStream, error: RpcError) -> None:
        if stream.number not in self.streams:
            return
        end = status_headers(error.code, error.details)
        stream.was_answered = True
        self.send_headers(stream, end if stream.has_begun else _ANSWER_HEAD + end, is_end=True)
        self._settle(stream)

    def _answer_head(self, stream: ServerStream) -> None:
        if not stream.has_begun:
            stream.has_begun = True
            self.send_headers(stream, _ANSWER_HEAD)

    def _refuse(self, stream: ServerStream, headers: Headers) -> None:
        """Answer what is no call of gRPC, in HTTP."""
        stream.was_answered = True
        self.send_headers(stream, headers)
        self.send(stream, (REFUSAL,), ())
        self._settle(stream)

    def _settle(self, stream: ServerStream) -> None:
        """Have the client stop sending what nobody reads."""
        if stream.is_ended_here and not stream.is_ended_there:
            stream.is_ended_there = True
            self.stop_peer(stream, ErrorCodes.NO_ERROR)
            self.remove(stream)
        self.flush()

    def _close_if_silent(self) -> None:
        if not self.is_greeted:
            self.close()

    def _close_when_done(self) -> None:
        if self._has_said and not self.streams:
            self.close()
