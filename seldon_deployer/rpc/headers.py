"""Header blocks: read by `hpack`, and remembered where reading them again tells the same.

A client that asks one method again and again sends the same few bytes each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from hpack import Decoder
from hpack.exceptions import HPACKError
from hpack.table import HeaderTable

from seldon_deployer.rpc.frames import ConnectionFailed, ErrorCode

Headers = tuple[tuple[bytes, bytes], ...]
T = TypeVar("T")

# With the 32 bytes that HTTP/2 counts for each field.
MOST_HEADER_BYTES = 64 * 1024
_MOST_REMEMBERED = 64
_RESIZES = frozenset(bytes((first,)) for first in range(0x20, 0x40))


class HeaderReader(Generic[T]):
    """Reads the header blocks of one connection, in order, and makes something of each."""

    def __init__(self, make: Callable[[Headers], T]) -> None:
        self._make = make
        self._table = _Table()
        self._decoder = Decoder(max_header_list_size=MOST_HEADER_BYTES)
        self._decoder.header_table = self._table
        self._remembered: dict[bytes, T] = {}
        self._changes = 0

    def read(self, block: bytes) -> T:
        """What was made of a block. Raises ConnectionFailed, and what `make` raises."""
        known = self._remembered.get(block)
        if known is not None:
            return known
        made = self._make(self.decode(block))
        # Numbers mean other headers from now on: some were added, or the table has another size.
        if self._table.changes != self._changes or block[:1] in _RESIZES:
            self._changes = self._table.changes
            self._remembered.clear()
        elif len(self._remembered) < _MOST_REMEMBERED:
            self._remembered[block] = made
        return made

    def decode(self, block: bytes) -> Headers:
        """The headers of a block as they are. Raises ConnectionFailed."""
        try:
            decoded = self._decoder.decode(block, raw=True)
        except HPACKError as error:
            raise ConnectionFailed(ErrorCode.COMPRESSION_ERROR, str(error)) from error
        return tuple((bytes(name), bytes(value)) for name, value in decoded)


class _Table(HeaderTable):
    """The headers that numbers stand for; counts how often they changed."""

    def __init__(self) -> None:
        self.changes = 0
        super().__init__()

    def add(self, name: bytes, value: bytes) -> None:
        self.changes += 1
        super().add(name, value)


def write_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block of literal headers: it leaves the other side's table as it is."""
    return b"".join(b"\x00" + _write_text(name) + _write_text(value) for name, value in headers)


def _write_text(text: bytes) -> bytes:
    length = len(text)
    if length < 127:
        return bytes((length,)) + text
    parts = bytearray((127,))
    length -= 127
    while length > 127:
        parts.append(length & 127 | 128)
        length >>= 7
    parts.append(length)
    return bytes(parts) + text
