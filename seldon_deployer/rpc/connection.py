"""One connection of HTTP/2: the library h2 keeps its state, here is what goes in and out.

What streams mean is the affair of `server` and `client`, which build on this.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.rpc.status import Headers

# What may be on its way to us: of one stream, and of all.
STREAM_WINDOW = 4 * 2**20
CONNECTION_WINDOW = 16 * 2**20
LAST_STREAM = 2**31 - 1
_FIRST_WINDOW = 2**16 - 1
_FRAME_BYTES = 2**18
_HEADER_BYTES = 2**16
# Parts of a message that are joined: one frame costs more than the copy.
_SMALL_BYTES = 2**14
# After so much it is asked whether the peer reads as fast as we write.
_PIECE_BYTES = 2**18
# Answers to pings and settings that a peer may leave unread before it is one of ill will.
_MOST_UNREAD_BYTES = 4 * 2**20
# Calls that a peer may take back, beyond half of all, before it is one, too.
_MOST_RESETS = 1000


class Stream:
    """What a connection keeps of a stream: what is still to be sent, and what has ended."""

    __slots__ = ("end", "is_ended_here", "is_ended_there", "number", "out")

    def __init__(self, number: int) -> None:
        self.number = number
        self.out: deque[memoryview] = deque()
        # Trailers behind the last of it; none where the last of it ends the stream by itself.
        self.end: Headers | None = None
        self.is_ended_here = False
        self.is_ended_there = False


S = TypeVar("S", bound=Stream)


class Connection(asyncio.Protocol, ABC, Generic[S]):
    """The streams of one connection. Subclasses make them and say what comes of them."""

    is_client: ClassVar[bool]
    most_streams: ClassVar[int] = 100

    def __init__(self) -> None:
        self.streams: dict[int, S] = {}
        self.state = _State(H2Configuration(client_side=self.is_client, **_AS_IT_IS))
        self.state.local_settings = Settings(
            client=self.is_client,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_FRAME_SIZE: _FRAME_BYTES,
                SettingCodes.MAX_CONCURRENT_STREAMS: self.most_streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: _HEADER_BYTES,
            },
        )
        self.state.max_inbound_frame_size = _FRAME_BYTES
        self._transport: asyncio.Transport | None = None
        self.is_greeted = False
        self._is_blocked = False
        # Streams whose end h2 has read, and we are about to be told of.
        self._ending: frozenset[int] = frozenset()
        # Bytes written while it was blocked.
        self._unread_bytes = 0
        self._begun = self._resets = 0

    # --- of subclasses

    @abstractmethod
    def take_headers(self, number: int, headers: Headers) -> None:
        """The headers that a stream begins with."""

    def take_trailers(self, stream: S, headers: Headers) -> None:
        """The headers that a stream ends with."""

    @abstractmethod
    def take_data(self, stream: S, data: memoryview) -> None:
        """A piece of data; nothing may be kept of it."""

    @abstractmethod
    def take_end(self, stream: S) -> None:
        """The peer sends no more on this stream."""

    @abstractmethod
    def drop_stream(self, stream: S, code: int) -> None:
        """A stream ended before its time."""

    def take_goaway(self, last: int) -> None:
        """The peer begins no streams after `last`."""

    def take_pong(self, payload: bytes) -> None:
        """The peer has read all that was sent before a PING."""

    # --- of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say how much may come."""
        self._transport = transport  # type: ignore[assignment]
        self.state.initiate_connection()
        self.state.increment_flow_control_window(CONNECTION_WINDOW - _FIRST_WINDOW)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """All streams are gone with it."""
        del exc
        self._transport = None
        for stream in list(self.streams.values()):
            self._forget(stream, ErrorCodes.CANCEL)

    def pause_writing(self) -> None:
        """The peer does not read as fast as we write."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """It has read."""
        self._is_blocked = False
        self._unread_bytes = 0
        self._pump_all()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take what came, frame by frame."""
        try:
            taken = self.state.receive_data(data)
        except ProtocolError:
            # h2 has written why.
            self._end()
            return
        # h2 has read all of it: on what ends there, nothing can be sent from now on.
        gone = set()
        for event in taken:
            if isinstance(event, events.StreamReset):
                gone.add(event.stream_id)
                self._take_reset(event)
        self._ending = frozenset(
            event.stream_id for event in taken if isinstance(event, events.StreamEnded)
        )
        for event in taken:
            if not self.is_open:
                return
            take = self._TAKEN.get(type(event))
            if take is not None and not _begins_any(event, gone):
                take(self, event)
        self._ending = frozenset()
        self.flush()

    # --- sending

    def flush(self) -> None:
        """Write what is to be written."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if data := self.state.data_to_send():
            # Where it is blocked, these are replies to what the peer sends.
            self._unread_bytes += len(data) if self._is_blocked else 0
            transport.write(data)
            if self._unread_bytes > _MOST_UNREAD_BYTES:
                transport.abort()

    def send_headers(self, stream: S, headers: Headers, *, is_end: bool = False) -> None:
        """Send headers on a stream; behind what is still to be sent, if they end it."""
        if is_end and stream.out:
            stream.end = headers
            return
        self.state.send_headers(stream.number, headers, end_stream=is_end)
        if is_end:
            self._end_here(stream)

    def send(self, stream: S, parts: Sequence[Buffer], end: Headers | None = None) -> None:
        """Send data on a stream, as the peer takes it.

        end: trailers to go behind it, after which the stream is ended from here; none at all where
        the last data ends it. None: more comes.
        """
        views = [memoryview(part).cast("B") for part in parts if len(part)]
        if sum(len(view) for view in views) <= _SMALL_BYTES:
            views = [memoryview(b"".join(views))]
        stream.out.extend(views)
        stream.end = end
        self._pump(stream)

    def reset(self, stream: S, code: ErrorCodes) -> None:
        """End a stream before its time."""
        self.stop_peer(stream, code)
        self._forget(stream, code)

    def stop_peer(self, stream: S, code: ErrorCodes) -> None:
        """Have the peer send no more on a stream, where it has not sent all."""
        if not (stream.is_ended_here and stream.number in self._ending):
            self.state.reset_stream(stream.number, code)

    def announce_end(self, last: int) -> None:
        """Tell the peer that no streams are taken after `last`; those before it go on."""
        self.flush()
        if self._transport is not None:
            self._transport.write(GoAwayFrame(0, last_stream_id=last).serialize())

    def remove(self, stream: S) -> None:
        """A stream is over."""
        self.streams.pop(stream.number, None)

    def close(self) -> None:
        """Close when all that was written is sent."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, and none that is about to end."""
        return self._transport is not None and not self._transport.is_closing()

    def _pump_all(self) -> None:
        for stream in [each for each in self.streams.values() if each.out]:
            if self._is_blocked:
                return
            self._pump(stream)

    def _pump(self, stream: S) -> None:
        written = 0
        while stream.out and not self._is_blocked:
            part = stream.out[0]
            room = self.state.local_flow_control_window(stream.number)
            # grpcio takes frames of megabytes, of which h2 makes copies.
            size = min(len(part), room, self.state.max_outbound_frame_size, _PIECE_BYTES)
            if size <= 0:
                return
            if size == len(part):
                stream.out.popleft()
            else:
                stream.out[0] = part[size:]
            is_last = stream.end == () and not stream.out
            self.state.send_data(stream.number, part[:size], end_stream=is_last)
            written += size
            if written >= _PIECE_BYTES and stream.out:
                # uvloop tells who is blocked when the loop has gone round.
                self.flush()
                asyncio.get_running_loop().call_soon(self._go_on, stream)
                return
        if not stream.out and stream.end is not None:
            if stream.end:
                self.state.send_headers(stream.number, stream.end, end_stream=True)
            stream.end = None
            self._end_here(stream)

    def _go_on(self, stream: S) -> None:
        if stream.number in self.streams and self.is_open:
            self._pump(stream)
            self.flush()

    def _end_here(self, stream: S) -> None:
        stream.is_ended_here = True
        if stream.is_ended_there:
            self.remove(stream)

    def _end(self) -> None:
        """Close, and all streams with it: h2 sends nothing more."""
        self.close()
        for stream in list(self.streams.values()):
            self._forget(stream, ErrorCodes.CANCEL)

    def _forget(self, stream: S, code: int) -> None:
        self.remove(stream)
        stream.out.clear()
        stream.end = None
        stream.is_ended_here = stream.is_ended_there = True
        self.drop_stream(stream, code)

    # --- taking

    def _take_headers(self, event: Any) -> None:
        self._begun += 1
        self.take_headers(event.stream_id, tuple(event.headers))

    def _take_trailers(self, event: Any) -> None:
        if (stream := self.streams.get(event.stream_id)) is not None:
            self.take_trailers(stream, tuple(event.headers))

    def _take_data(self, event: Any) -> None:
        # What is kept of it has bounds of its own.
        self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        stream = self.streams.get(event.stream_id)
        if stream is not None and event.data:
            self.take_data(stream, memoryview(event.data))

    def _take_end(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.is_ended_there:
            return
        stream.is_ended_there = True
        if stream.is_ended_here:
            self.remove(stream)
        self.take_end(stream)

    def _take_reset(self, event: Any) -> None:
        if (stream := self.streams.get(event.stream_id)) is not None:
            self._forget(stream, event.error_code)
        self._resets += 1
        if self._resets > _MOST_RESETS + self._begun // 2:
            self.state.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._end()

    def _take_window(self, event: Any) -> None:
        if event.stream_id == 0:
            self._pump_all()
        elif (stream := self.streams.get(event.stream_id)) is not None:
            self._pump(stream)

    def _take_settings(self, event: Any) -> None:
        del event
        self.is_greeted = True
        self._pump_all()

    def _take_goaway(self, event: Any) -> None:
        self.take_goaway(event.last_stream_id)

    def _take_pong(self, event: Any) -> None:
        self.take_pong(event.ping_data)

    _TAKEN: ClassVar[dict[type[Event], Callable[[Any, Any], None]]] = {
        events.RequestReceived: _take_headers,
        events.ResponseReceived: _take_headers,
        events.TrailersReceived: _take_trailers,
        events.DataReceived: _take_data,
        events.StreamEnded: _take_end,
        events.WindowUpdated: _take_window,
        events.RemoteSettingsChanged: _take_settings,
        events.ConnectionTerminated: _take_goaway,
        events.PingAckReceived: _take_pong,
    }


def _begins_any(event: Event, streams: set[int]) -> bool:
    return isinstance(event, events.RequestReceived) and event.stream_id in streams


_AS_IT_IS: dict[str, Any] = {
    "header_encoding": None,
    "normalize_outbound_headers": False,
    "validate_outbound_headers": False,
}


class _State(H2Connection):
    """h2 counts a connection as closed when a GOAWAY comes; but the streams before it go on."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.error_code, event.last_stream_id = frame.error_code, frame.last_stream_id
        return [], [event]
