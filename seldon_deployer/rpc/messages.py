"""gRPC's messages within a stream: five bytes of length before each, compressed where asked.

Source: gRPC, "gRPC over HTTP2", "Compression".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from seldon_deployer.rpc.status import RpcError, StatusCode

Buffer = bytes | bytearray | memoryview

PREFIX_BYTES = 5
ENCODINGS = b"identity,deflate,gzip"
# What zlib expects, by the encoding's name: its own head, or gzip's.
_WINDOWS = {b"deflate": zlib.MAX_WBITS, b"gzip": zlib.MAX_WBITS | 16}
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


class MessageReader:
    """Takes the data of one stream and gives its messages, each in memory of its own, once."""

    def __init__(self, most_bytes: int, encoding: bytes = b"identity") -> None:
        self._most_bytes = most_bytes
        self._encoding = encoding
        self._prefix = bytearray()
        self._message: bytearray | None = None
        self._filled = 0

    @property
    def is_between(self) -> bool:
        """Whether no message is half there."""
        return not self._prefix

    def take(self, data: memoryview) -> list[Buffer]:
        """The messages that this data completes.

        Raises RpcError for one that is too large, or compressed in a way that is not known.
        """
        whole: list[Buffer] = []
        while data:
            if self._message is None:
                missing = PREFIX_BYTES - len(self._prefix)
                self._prefix += data[:missing]
                data = data[missing:]
                if len(self._prefix) < PREFIX_BYTES:
                    break
                self._message = self._begin()
            message = self._message
            size = min(len(data), len(message) - self._filled)
            message[self._filled : self._filled + size] = data[:size]
            self._filled += size
            data = data[size:]
            if self._filled == len(message):
                whole.append(self._end(message))
        return whole

    def _begin(self) -> bytearray:
        _, size = struct.unpack(">BI", self._prefix)
        if size > self._most_bytes:
            raise too_large(size, self._most_bytes)
        return bytearray(size)

    def _end(self, message: bytearray) -> Buffer:
        is_compressed = self._prefix[0]
        self._prefix.clear()
        self._message, self._filled = None, 0
        if not is_compressed:
            return message
        return decompress(message, self._encoding, self._most_bytes)


def decompress(message: Buffer, encoding: bytes, most_bytes: int) -> bytes:
    """Raises RpcError for an encoding that is not known, for what is none, and past the limit."""
    window = _WINDOWS.get(encoding)
    if window is None:
        raise RpcError(
            StatusCode.UNIMPLEMENTED if encoding != b"identity" else StatusCode.INTERNAL,
            f"messages compressed as {encoding.decode('latin-1')} are not read, "
            f"but {ENCODINGS.decode()}",
        )
    unpacking = zlib.decompressobj(window)
    try:
        content = unpacking.decompress(message, most_bytes + 1)
    except zlib.error as error:
        raise RpcError(
            StatusCode.INTERNAL, f"the message is not compressed as it says: {error}"
        ) from error
    if len(content) > most_bytes:
        raise too_large(len(content), most_bytes)
    if not unpacking.eof:
        raise RpcError(StatusCode.INTERNAL, "the compressed message is cut off")
    return content


def too_large(size: int, most_bytes: int) -> RpcError:
    """What answers a message past the limit."""
    return RpcError(
        StatusCode.RESOURCE_EXHAUSTED,
        f"the message has {size} bytes, more than the {most_bytes} that are taken",
    )


def write_prefix(parts: Sequence[Buffer]) -> bytes:
    """What goes before a message, given in parts: it is not compressed, and how long it is."""
    return struct.pack(">BI", 0, sum(len(part) for part in parts))


def read_timeout(text: bytes) -> float | None:
    """Seconds that a client waits, as `grpc-timeout` has them (`100m`); None for nonsense."""
    unit = _UNITS.get(text[-1:])
    number = text[:-1]
    if unit is None or not number.isdigit() or len(number) > 8:
        return None
    return int(number) * unit


def write_timeout(seconds: float) -> bytes:
    """The same, in milliseconds, or seconds where those are too many digits."""
    if seconds < 99_999:
        return b"%dm" % max(1, int(seconds * 1000))
    return b"%dS" % min(int(seconds), 99_999_999)
