"""One connection of HTTP/2: frames in order, windows of both sides, data as it may be sent.

What streams mean is the affair of `server` and `client`, which build on this.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from seldon_deployer.rpc.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    FIRST_WINDOW,
    FRAME_BYTES,
    HAS_PRIORITY,
    HEAD_BYTES,
    LARGEST_WINDOW,
    PADDED,
    ConnectionFailed,
    ErrorCode,
    Kind,
    Setting,
    StreamFailed,
    read_settings,
    strip_padding,
    write_frame,
    write_goaway,
    write_head,
    write_reset,
    write_settings,
    write_window,
)
from seldon_deployer.rpc.headers import MOST_HEADER_BYTES
from seldon_deployer.rpc.messages import Buffer

# What may be on its way to us: of one stream, and of all.
STREAM_WINDOW = 4 * 2**20
CONNECTION_WINDOW = 16 * 2**20
# Answers to pings and settings that a peer may leave unread before it is one of ill will.
_MOST_UNREAD_REPLIES = 1000
_PIECE_BYTES = 2**20
_KINDS = frozenset(Kind)


class Stream:
    """What a connection keeps of a stream: its windows, and what is still to be sent."""

    __slots__ = ("end", "is_ended_here", "is_ended_there", "number", "out", "received", "window")

    def __init__(self, number: int, window: int) -> None:
        self.number = number
        # How much the peer takes now.
        self.window = window
        # How much came since the peer was last told that more may come.
        self.received = 0
        self.out: deque[memoryview] = deque()
        # What follows the last of it; empty where the last of it ends the stream by itself.
        self.end: bytes | None = None
        self.is_ended_here = False
        self.is_ended_there = False


S = TypeVar("S", bound=Stream)


class Connection(asyncio.Protocol, Generic[S]):
    """The frames of one connection. Subclasses make and end streams."""

    def __init__(self) -> None:
        self.streams: dict[int, S] = {}
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        # A header block that goes on in another frame: of which stream, ending it, and its bytes.
        self._block: tuple[int, bool, bytearray] | None = None
        self._window = FIRST_WINDOW
        self._stream_window = FIRST_WINDOW
        self._frame_bytes = FRAME_BYTES
        self._received = 0
        self._is_blocked = False
        self._unread_replies = 0
        self._has_settings = False

    # --- of subclasses

    def take_headers(self, number: int, block: bytes, *, is_end: bool) -> None:
        """Headers of a stream, whole. Raises ConnectionFailed or StreamFailed."""
        raise NotImplementedError

    def take_data(self, stream: S, data: memoryview) -> None:
        """A piece of data; nothing may be kept of it. Raises StreamFailed."""
        raise NotImplementedError

    def take_end(self, stream: S) -> None:
        """The peer sends no more on this stream. Raises StreamFailed."""
        raise NotImplementedError

    def drop_stream(self, stream: S, code: ErrorCode) -> None:
        """A stream ended before its time."""
        raise NotImplementedError

    def take_goaway(self, last: int, code: int) -> None:
        """The peer begins no streams after `last`."""

    def check_idle(self, number: int) -> None:
        """Raise ConnectionFailed for a frame of a stream that has not begun."""
        raise NotImplementedError

    def was_given_up(self, number: int) -> bool:
        """Whether a stream was ended from here, so that the peer may not have heard of it yet."""
        del number
        return False

    # --- of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say how much may come."""
        self._transport = transport  # type: ignore[assignment]
        self.write(
            self.preface()
            + write_settings(INITIAL_WINDOW_SIZE=STREAM_WINDOW, MAX_HEADER_LIST_SIZE=2**16)
            + write_window(0, CONNECTION_WINDOW - FIRST_WINDOW)
        )

    def preface(self) -> bytes:
        """What goes before the settings."""
        return b""

    def connection_lost(self, exc: Exception | None) -> None:
        """All streams are gone with it."""
        del exc
        self._transport = None
        for stream in list(self.streams.values()):
            self._forget(stream, ErrorCode.CANCEL)

    def pause_writing(self) -> None:
        """The peer does not read as fast as we write."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """It has read."""
        self._is_blocked = False
        self._unread_replies = 0
        self._pump_all()

    def data_received(self, data: bytes) -> None:
        """Take all whole frames."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at, end = 0, len(data)
        view = memoryview(data)
        try:
            at = self.skip_preface(data)
            while end - at >= HEAD_BYTES:
                length = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
                if length > FRAME_BYTES:
                    raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "a frame is too large")
                start = at + HEAD_BYTES
                if end - start < length:
                    break
                number = int.from_bytes(data[at + 5 : start], "big") & LARGEST_WINDOW
                at = start + length
                self._take_frame(data[start - 6], data[start - 5], number, view[start:at])
        except ConnectionFailed as failure:
            self.fail(failure)
            return
        self._rest = data[at:]

    def skip_preface(self, data: bytes) -> int:
        """Where the frames of this data begin. Raises ConnectionFailed."""
        del data
        return 0

    def remove(self, stream: S) -> None:
        """A stream is over."""
        self.streams.pop(stream.number, None)

    # --- sending

    def write(self, data: bytes) -> None:
        """Write frames that need no window."""
        if self._transport is not None:
            self._transport.write(data)

    def send(
        self, stream: S, head: bytes, parts: Sequence[Buffer], end: bytes | None = None
    ) -> None:
        """Send data on a stream, as the peer takes it.

        head: frames to go before it. end: frames to go behind it, after which the stream is ended
        from here; none at all (b"") where the last data ends it. None: more comes.
        """
        size = sum(len(part) for part in parts)
        if not stream.out and size <= min(stream.window, self._window, self._frame_bytes):
            stream.window -= size
            self._window -= size
            flags = END_STREAM if end == b"" else 0
            data = write_head(Kind.DATA, flags, stream.number, size)
            self.write(b"".join((head, data, *parts, end or b"")))
            if end is not None:
                self._end_here(stream)
            return
        self.write(head)
        stream.out.extend(memoryview(part).cast("B") for part in parts if len(part))
        stream.end = end
        self._pump(stream)

    def send_end(self, stream: S, frames: bytes) -> None:
        """Send frames of which the last one ends the stream, behind what is still to be sent."""
        if stream.out:
            stream.end = frames
            return
        self.write(frames)
        self._end_here(stream)

    def reset(self, stream: S, code: ErrorCode) -> None:
        """End a stream before its time."""
        self.write(write_reset(stream.number, code))
        self._forget(stream, code)

    def fail(self, failure: ConnectionFailed) -> None:
        """End the connection, saying why."""
        self.write(write_goaway(self.last_number(), failure.code, str(failure)))
        self.close()

    def last_number(self) -> int:
        """The last stream of the peer's that was begun with."""
        return 0

    def close(self) -> None:
        """Close when all that was written is sent."""
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
        while stream.out and not self._is_blocked:
            frames: list[Buffer] = []
            written = 0
            while stream.out and written < _PIECE_BYTES:
                part = stream.out[0]
                size = min(len(part), stream.window, self._window, self._frame_bytes)
                if size <= 0:
                    break
                stream.window -= size
                self._window -= size
                written += size
                if size == len(part):
                    stream.out.popleft()
                else:
                    stream.out[0] = part[size:]
                is_end = stream.end == b"" and not stream.out
                flags = END_STREAM if is_end else 0
                frames += [write_head(Kind.DATA, flags, stream.number, size), part[:size]]
            if not frames or self._transport is None:
                return
            self._transport.writelines(frames)
        if not stream.out and stream.end is not None:
            self.write(stream.end)
            stream.end = None
            self._end_here(stream)

    def _end_here(self, stream: S) -> None:
        stream.is_ended_here = True
        if stream.is_ended_there:
            self.remove(stream)

    def _forget(self, stream: S, code: ErrorCode) -> None:
        self.remove(stream)
        stream.out.clear()
        stream.end = None
        stream.is_ended_here = stream.is_ended_there = True
        self.drop_stream(stream, code)

    # --- taking

    def _take_frame(self, kind: int, flags: int, number: int, payload: memoryview) -> None:
        if not self._has_settings:
            if kind != Kind.SETTINGS or flags & ACK:
                raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "the first frame is no SETTINGS")
            self._has_settings = True
        if self._block is not None and kind != Kind.CONTINUATION:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "a header block is cut off")
        try:
            if kind == Kind.DATA:
                self._take_data(flags, number, payload)
            elif kind == Kind.HEADERS:
                self._take_headers(flags, number, bytes(payload))
            elif kind in _KINDS:
                self._OTHERS[Kind(kind)](self, flags, number, bytes(payload))
        except StreamFailed as failure:
            stream = self.streams.get(number)
            if stream is None:
                self.write(write_reset(number, failure.code))
            else:
                self.reset(stream, failure.code)

    def _take_data(self, flags: int, number: int, payload: memoryview) -> None:
        size = len(payload)
        self._received += size
        if self._received > CONNECTION_WINDOW:
            raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window has")
        if self._received > CONNECTION_WINDOW // 2:
            self.write(write_window(0, self._received))
            self._received = 0
        if number == 0:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "DATA of no stream")
        data = memoryview(strip_padding(bytes(payload), flags)) if flags & PADDED else payload
        stream = self.streams.get(number)
        if stream is None or stream.is_ended_there:
            self.check_idle(number)
            if self.was_given_up(number):
                return
            raise StreamFailed(ErrorCode.STREAM_CLOSED, "DATA of a stream that has ended")
        stream.received += size
        if stream.received > STREAM_WINDOW:
            raise StreamFailed(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window has")
        is_end = bool(flags & END_STREAM)
        if stream.received > STREAM_WINDOW // 2 and not is_end:
            self.write(write_window(number, stream.received))
            stream.received = 0
        if data:
            self.take_data(stream, data)
        if is_end:
            self._end_there(stream)

    def _end_there(self, stream: S) -> None:
        if stream.is_ended_there:
            return
        stream.is_ended_there = True
        if stream.is_ended_here:
            self.remove(stream)
        self.take_end(stream)

    def _take_headers(self, flags: int, number: int, payload: bytes) -> None:
        if number == 0:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "HEADERS of no stream")
        payload = strip_padding(payload, flags)
        if flags & HAS_PRIORITY:
            self._check_priority(number, payload)
            payload = payload[5:]
        is_end = bool(flags & END_STREAM)
        if flags & END_HEADERS:
            self._take_block(number, payload, is_end=is_end)
        else:
            self._block = number, is_end, bytearray(payload)

    def _take_continuation(self, flags: int, number: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != number:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of no header block")
        _, is_end, block = self._block
        block += payload
        if len(block) > MOST_HEADER_BYTES or not (payload or flags & END_HEADERS):
            raise ConnectionFailed(ErrorCode.ENHANCE_YOUR_CALM, "the header block does not end")
        if flags & END_HEADERS:
            self._block = None
            self._take_block(number, bytes(block), is_end=is_end)

    def _take_block(self, number: int, block: bytes, *, is_end: bool) -> None:
        self.take_headers(number, block, is_end=is_end)
        stream = self.streams.get(number)
        if is_end and stream is not None:
            self._end_there(stream)

    def _take_priority(self, flags: int, number: int, payload: bytes) -> None:
        del flags
        if number == 0:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "PRIORITY of no stream")
        if len(payload) != 5:
            raise StreamFailed(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has five bytes")
        self._check_priority(number, payload)

    def _check_priority(self, number: int, payload: bytes) -> None:
        if len(payload) < 5:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "a priority has five bytes")
        if int.from_bytes(payload[:4], "big") & LARGEST_WINDOW == number:
            raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "a stream depends on itself")

    def _take_reset(self, flags: int, number: int, payload: bytes) -> None:
        del flags
        if len(payload) != 4:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        stream = self.streams.get(number)
        if stream is None:
            self.check_idle(number)
        else:
            known = int.from_bytes(payload, "big") in ErrorCode.__members__.values()
            code = ErrorCode(int.from_bytes(payload, "big")) if known else ErrorCode.CANCEL
            self._forget(stream, code)

    def _take_settings(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "SETTINGS of a stream")
        if flags & ACK:
            if payload:
                raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "an ACK holds nothing")
            return
        for name, value in read_settings(payload):
            if name == Setting.MAX_FRAME_SIZE:
                self._frame_bytes = value
            elif name == Setting.INITIAL_WINDOW_SIZE:
                change = value - self._stream_window
                self._stream_window = value
                for stream in self.streams.values():
                    stream.window += change
                    _check_window(stream.window)
        self._reply(write_frame(Kind.SETTINGS, ACK, 0))
        self._pump_all()

    def _take_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "PING of a stream")
        if len(payload) != 8:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "PING has eight bytes")
        if not flags & ACK:
            self._reply(write_frame(Kind.PING, ACK, 0, payload))

    def _reply(self, frame: bytes) -> None:
        if self._is_blocked:
            self._unread_replies += 1
            if self._unread_replies > _MOST_UNREAD_REPLIES:
                raise ConnectionFailed(ErrorCode.ENHANCE_YOUR_CALM, "replies are not read")
        self.write(frame)

    def _take_goaway(self, flags: int, number: int, payload: bytes) -> None:
        del flags
        if number:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "GOAWAY of a stream")
        if len(payload) < 8:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has eight bytes")
        last, code = struct.unpack(">II", payload[:8])
        self.take_goaway(last & LARGEST_WINDOW, code)

    def _take_window(self, flags: int, number: int, payload: bytes) -> None:
        del flags
        if len(payload) != 4:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        more = int.from_bytes(payload, "big") & LARGEST_WINDOW
        if number == 0:
            if more == 0:
                raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "a window grows by nothing")
            self._window += more
            _check_window(self._window)
            self._pump_all()
            return
        stream = self.streams.get(number)
        if stream is None:
            self.check_idle(number)
            return
        stream.window += more
        if more == 0 or stream.window > LARGEST_WINDOW:
            code = ErrorCode.FLOW_CONTROL_ERROR if more else ErrorCode.PROTOCOL_ERROR
            raise StreamFailed(code, "no window can be like that")
        if stream.out:
            self._pump(stream)

    def _take_push(self, flags: int, number: int, payload: bytes) -> None:
        del flags, number, payload
        raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "nobody asked for a PUSH_PROMISE")

    _OTHERS = {  # noqa: RUF012
        Kind.PRIORITY: _take_priority,
        Kind.RST_STREAM: _take_reset,
        Kind.SETTINGS: _take_settings,
        Kind.PUSH_PROMISE: _take_push,
        Kind.PING: _take_ping,
        Kind.GOAWAY: _take_goaway,
        Kind.WINDOW_UPDATE: _take_window,
        Kind.CONTINUATION: _take_continuation,
    }


def _check_window(size: int) -> None:
    if size > LARGEST_WINDOW:
        raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "a window is too large")
