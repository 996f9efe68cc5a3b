"""The server's side of a connection: calls come in, an application answers them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from types import MappingProxyType

from seldon_deployer.rpc.connection import Connection
from seldon_deployer.rpc.frames import (
    END_HEADERS,
    END_STREAM,
    LARGEST_WINDOW,
    PREFACE,
    ConnectionFailed,
    ErrorCode,
    Kind,
    StreamFailed,
    write_frame,
    write_goaway,
    write_ping,
    write_reset,
)
from seldon_deployer.rpc.headers import HeaderReader, write_headers
from seldon_deployer.rpc.messages import (
    ENCODINGS,
    Buffer,
    MessageReader,
    write_prefix,
)
from seldon_deployer.rpc.request import REFUSAL, Request, check_trailers, read_request
from seldon_deployer.rpc.sending import Stream
from seldon_deployer.rpc.serving import Call, Serving
from seldon_deployer.rpc.status import RpcError, StatusCode, status_headers

logger = logging.getLogger(__name__)

MOST_STREAMS = 1000
# Who connects says so at once.
PREFACE_SECONDS = 10.0
_LEAVING = b"leaving!"
_STATUS_200 = b"\x88"
_CONTENT = ((b"content-type", b"application/grpc"), (b"grpc-accept-encoding", ENCODINGS))
_ANSWER_HEAD = _STATUS_200 + write_headers(_CONTENT)
_END_OK = write_headers(status_headers(StatusCode.OK))


class ServerStream(Stream):
    """A call on its way."""

    __slots__ = (
        "came",
        "has_begun",
        "is_cut",
        "messages",
        "news",
        "reader",
        "request",
        "task",
        "was_answered",
    )

    def __init__(self, number: int, window: int, request: Request, most_bytes: int) -> None:
        super().__init__(number, window)
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
        # Bytes of all data, as content-length counts them.
        self.came = 0

    def tell(self) -> None:
        """Wake who waits for a message."""
        if self.news is not None and not self.news.done():
            self.news.set_result(None)


class ServerConnection(Connection[ServerStream]):
    """One client's connection."""

    settings = MappingProxyType({"MAX_CONCURRENT_STREAMS": MOST_STREAMS})

    def __init__(self, serving: Serving, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.peer = ""
        self._serving = serving
        self._requests = HeaderReader(read_request)
        self._last = 0
        # The last streams that ended; and those ended from here while the client was still sending,
        # of which more may come.
        self._closed: deque[int] = deque(maxlen=MOST_STREAMS)
        self._ended: deque[int] = deque(maxlen=MOST_STREAMS)
        self._expects = PREFACE
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
        self._timer = self.loop.call_later(PREFACE_SECONDS, self.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and all calls with it."""
        super().connection_lost(exc)
        self._serving.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def skip_preface(self, data: bytes) -> int:
        """See that it is HTTP/2 that is spoken."""
        expects = self._expects
        if not expects:
            return 0
        size = min(len(expects), len(data))
        if data[:size] != expects[:size]:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "HTTP/2 is spoken here")
        self._expects = expects[size:]
        if not self._expects and self._timer is not None:
            self._timer.cancel()
        return size

    def leave(self) -> None:
        """Tell the client that this connection takes no more calls soon."""
        if not self._is_leaving and self.is_open:
            self._is_leaving = True
            # The largest number: what it sends before it reads this is taken still. What came
            # before the answer to the ping is all that comes.
            goaway = write_goaway(LARGEST_WINDOW, ErrorCode.NO_ERROR)
            self.write(goaway + write_ping(_LEAVING))
            for stream in self.streams.values():
                # A stream of messages might go on for ever.
                stream.is_cut = self._serving.streams_in(stream.request.path)
                stream.tell()

    def take_pong(self, payload: bytes) -> None:
        """The client knows that this connection takes no more calls."""
        if payload == _LEAVING and self._is_leaving:
            self._has_said = True
            self.write(write_goaway(self._last, ErrorCode.NO_ERROR))
            self._close_when_done()

    def tasks(self) -> list[asyncio.Task[None]]:
        """The calls that are answered now."""
        return [each.task for each in self.streams.values() if each.task is not None]

    def last_number(self) -> int:
        """The last call that was begun with."""
        return self._last

    def remove(self, stream: ServerStream) -> None:
        """Know of a stream only that it has been."""
        super().remove(stream)
        self._closed.append(stream.number)
        self._close_when_done()

    def check_idle(self, number: int) -> None:
        """Raise ConnectionFailed for a stream that the client has not begun."""
        if number > self._last or number % 2 == 0:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "a frame of an idle stream")

    def was_given_up(self, number: int) -> bool:
        """Whether the client may not have heard yet that a stream has ended."""
        return number in self._ended

    # --- taking

    def take_headers(self, number: int, block: bytes, *, is_end: bool) -> None:
        """Begin a call, or end its messages."""
        if number in self.streams or number <= self._last:
            self._take_trailers(number, block, is_end=is_end)
            return
        if number % 2 == 0:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "clients' streams have odd numbers")
        self._last = number
        request = self._requests.read(block)
        if self._serving.draining:
            self.leave()
        if len(self.streams) >= MOST_STREAMS:
            raise StreamFailed(ErrorCode.REFUSED_STREAM, "too many calls at once")
        stream = ServerStream(number, self._stream_window, request, self._serving.most_bytes)
        self.streams[number] = stream
        self._serving.total_calls += 1
        if request.refusal is None and not is_end and self._serving.streams_in(request.path):
            self._begin(stream)

    def _take_trailers(self, number: int, block: bytes, *, is_end: bool) -> None:
        stream = self.streams.get(number)
        # Also of a stream that is over: the table of headers is the connection's.
        headers = self._requests.decode(block)
        if stream is None:
            if number in self._ended:
                return
            was = ErrorCode.STREAM_CLOSED if number in self._closed else ErrorCode.PROTOCOL_ERROR
            raise ConnectionFailed(was, "HEADERS of a stream that has ended, or never began")
        if stream.is_ended_there:
            raise StreamFailed(ErrorCode.STREAM_CLOSED, "HEADERS of a stream that has ended")
        if not is_end:
            raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "headers in the middle of a stream")
        check_trailers(headers)

    def take_data(self, stream: ServerStream, data: memoryview) -> None:
        """Take a piece of a message."""
        stream.came += len(data)
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
        length = stream.request.length
        if length is not None and length != stream.came:
            raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "content-length told another length")
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

    def drop_stream(self, stream: ServerStream, code: ErrorCode) -> None:
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
            head = b"" if stream.has_begun else _headers(stream.number, _ANSWER_HEAD)
            stream.has_begun = True
            self.send(stream, head, (write_prefix(parts), *parts))

    def _answer_whole(self, stream: ServerStream, parts: Sequence[Buffer] | None) -> None:
        if stream.number not in self.streams:
            return
        end = _headers(stream.number, _END_OK, END_STREAM)
        if parts is None:
            head = b"" if stream.has_begun else _headers(stream.number, _ANSWER_HEAD)
            self.send_end(stream, head + end)
        else:
            head = _headers(stream.number, _ANSWER_HEAD)
            self.send(stream, head, (write_prefix(parts), *parts), end)
        stream.was_answered = True
        self._settle(stream)

    def _answer_error(self, stream: ServerStream, error: RpcError) -> None:
        if stream.number not in self.streams:
            return
        block = write_headers(status_headers(error.code, error.details))
        if not stream.has_begun:
            block = _ANSWER_HEAD + block
        stream.was_answered = True
        self.send_end(stream, _headers(stream.number, block, END_STREAM))
        self._settle(stream)

    def _refuse(self, stream: ServerStream, block: bytes) -> None:
        """Answer what is no call of gRPC, in HTTP."""
        stream.was_answered = True
        self.send(stream, _headers(stream.number, block), (REFUSAL,), b"")

    def _settle(self, stream: ServerStream) -> None:
        """Have the client stop sending what nobody reads."""
        if stream.is_ended_here and not stream.is_ended_there:
            self._ended.append(stream.number)
            self.write(write_reset(stream.number, ErrorCode.NO_ERROR))
            self.remove(stream)

    def _close_when_done(self) -> None:
        if self._has_said and not self.streams:
            self.close()


def _headers(number: int, block: bytes, flags: int = 0) -> bytes:
    return write_frame(Kind.HEADERS, END_HEADERS | flags, number, block)
