"""Sending on a connection of HTTP/2: as much as the peer takes, without copies of what is large."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from seldon_deployer.rpc.frames import (
    END_STREAM,
    FIRST_WINDOW,
    FRAME_BYTES,
    ConnectionFailed,
    ErrorCode,
    Kind,
    write_goaway,
    write_head,
    write_reset,
)
from seldon_deployer.rpc.messages import Buffer

_PIECE_BYTES = 2**20


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


class Sender(asyncio.Protocol, Generic[S]):
    """The half of a connection that writes."""

    def __init__(self) -> None:
        self.streams: dict[int, S] = {}
        self._transport: asyncio.Transport | None = None
        self._window = FIRST_WINDOW
        self._stream_window = FIRST_WINDOW
        self._frame_bytes = FRAME_BYTES
        self._is_blocked = False

    def drop_stream(self, stream: S, code: ErrorCode) -> None:
        """A stream ended before its time."""
        raise NotImplementedError

    def remove(self, stream: S) -> None:
        """A stream is over."""
        self.streams.pop(stream.number, None)

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
