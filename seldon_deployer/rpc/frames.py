"""Frames of HTTP/2: their kinds, how they are written, and what a connection may fail with.

Source: RFC 9113.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
# What every peer must take, and all that we take: a frame is looked at when it is whole.
FRAME_BYTES = 16384
LARGEST_FRAME_BYTES = 2**24 - 1
LARGEST_WINDOW = 2**31 - 1
FIRST_WINDOW = 65535

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20


class Kind(IntEnum):
    """What a frame is for."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    """What a peer tells of itself."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11


class ConnectionFailed(Exception):
    """What the peer did ends the connection."""

    def __init__(self, code: ErrorCode, why: str) -> None:
        super().__init__(why)
        self.code = code


class StreamFailed(Exception):
    """What the peer did ends one stream."""

    def __init__(self, code: ErrorCode, why: str) -> None:
        super().__init__(why)
        self.code = code


def write_head(kind: int, flags: int, stream_id: int, length: int) -> bytes:
    """The nine bytes before a payload."""
    return struct.pack(">IBI", length << 8 | kind, flags, stream_id)


def write_frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """A whole frame."""
    return write_head(kind, flags, stream_id, len(payload)) + payload


def write_settings(**settings: int) -> bytes:
    """A SETTINGS frame, of settings by their names."""
    pairs = ((Setting[name], value) for name, value in settings.items())
    return write_frame(Kind.SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def write_window(stream_id: int, size: int) -> bytes:
    """A WINDOW_UPDATE: so many bytes more may come."""
    return write_frame(Kind.WINDOW_UPDATE, 0, stream_id, struct.pack(">I", size))


def write_reset(stream_id: int, code: ErrorCode) -> bytes:
    """An RST_STREAM."""
    return write_frame(Kind.RST_STREAM, 0, stream_id, struct.pack(">I", code))


def write_goaway(last_stream_id: int, code: ErrorCode, why: str = "") -> bytes:
    """A GOAWAY: streams after that one are not begun with."""
    told = struct.pack(">II", last_stream_id, code) + why.encode()
    return write_frame(Kind.GOAWAY, 0, 0, told)


def write_ping(payload: bytes) -> bytes:
    """A PING, of eight bytes, that asks for its answer."""
    return write_frame(Kind.PING, 0, 0, payload)


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """The settings of a frame, checked. Raises ConnectionFailed."""
    if len(payload) % 6:
        raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS is cut off")
    for name, value in struct.iter_unpack(">HI", payload):
        if name == Setting.ENABLE_PUSH and value > 1:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        if name == Setting.INITIAL_WINDOW_SIZE and value > LARGEST_WINDOW:
            raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "the first window is too large")
        if name == Setting.MAX_FRAME_SIZE and not FRAME_BYTES <= value <= LARGEST_FRAME_BYTES:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "no such size of frames")
        yield name, value


def strip_padding(payload: bytes, flags: int) -> bytes:
    """The payload of DATA or HEADERS without its padding. Raises ConnectionFailed."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "padding is longer than its frame")
    return payload[1 : len(payload) - payload[0]]
