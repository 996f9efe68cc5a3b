"""One connection of HTTP/2: frames in order, windows of both sides, data as it may be sent.

What streams mean is the affair of `server` and `client`, which build on this.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from typing import ClassVar

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
    write_reset,
    write_settings,
    write_window,
)
from seldon_deployer.rpc.headers import MOST_HEADER_BYTES
from seldon_deployer.rpc.sending import S, Sender

# What may be on its way to us: of one stream, and of all.
STREAM_WINDOW = 4 * 2**20
CONNECTION_WINDOW = 16 * 2**20
# Answers to pings and settings that a peer may leave unread before it is one of ill will.
_MOST_UNREAD_REPLIES = 1000
_KINDS = frozenset(Kind)


class Connection(Sender[S]):
    """The frames of one connection. Subclasses make and end streams, and tell their `settings`."""

    settings: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""
        # A header block that goes on in another frame: of which stream, ending it, and its bytes.
        self._block: tuple[int, bool, bytearray] | None = None
        self._received = 0
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

    def take_goaway(self, last: int, code: int) -> None:
        """The peer begins no streams after `last`."""

    def take_pong(self, payload: bytes) -> None:
        """The peer has read all that was sent before a PING."""

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
            + write_settings(
                INITIAL_WINDOW_SIZE=STREAM_WINDOW,
                MAX_HEADER_LIST_SIZE=MOST_HEADER_BYTES,
                **self.settings,
            )
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
        if flags & ACK:
            self.take_pong(payload)
        else:
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
