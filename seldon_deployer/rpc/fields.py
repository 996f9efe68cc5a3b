"""Large fields of a protobuf message, taken out and put in without copies.

protobuf itself copies a field of bytes twice on its way to Python and twice on its way back.
Source: Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from ctypes import addressof, c_char

from seldon_deployer.rpc.messages import Buffer

# Smaller fields are copied as they come.
LARGE_BYTES = 64 * 1024
_WORD_BYTES = 8

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def split_field(content: Buffer, number: int) -> tuple[Buffer, list[memoryview]]:
    """Take a field of bytes out of a message: the message without it, and its values in order.

    Raises ValueError for bytes that are no message.
    """
    whole = memoryview(content)
    rest: list[memoryview] = []
    values: list[memoryview] = []
    at = 0
    while at < len(content):
        start = at
        tag, at = _read_varint(content, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _read_varint(content, at)
        elif kind == _BYTES:
            length, at = _read_varint(content, at)
            at += length
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise ValueError(f"field {tag >> 3} has the unknown wire type {kind}")
        if at > len(content):
            raise ValueError(f"field {tag >> 3} ends after the message")
        if tag == (number << 3 | _BYTES):
            values.append(whole[at - length : at])
        else:
            rest.append(whole[start:at])
    return (b"".join(rest), values) if values else (content, [])


def join_field(number: int, *parts: Buffer) -> list[Buffer]:
    """The parts of a field of bytes, or of a message, to go behind a message that was written."""
    length = sum(len(part) for part in parts)
    return [_write_varint(number << 3 | _BYTES) + _write_varint(length), *parts]


def settle_field(value: memoryview, before: int) -> memoryview:
    """Move a large value to where its numbers are aligned, over the bytes before it.

    before: how many of those nobody needs any more. It stays where it is if it is small, cannot be
    written to, or has no room: whoever needs aligned numbers copies them then.
    """
    whole = value.obj
    if not isinstance(whole, bytearray) or len(value) < LARGE_BYTES:
        return value
    address = addressof(c_char.from_buffer(value))
    offset = address - addressof(c_char.from_buffer(whole))
    shift = address % _WORD_BYTES
    if not 0 < shift <= min(before, offset):
        return value
    moved = memoryview(whole)[offset - shift : offset - shift + len(value)]
    moved[:] = value
    return moved


def _read_varint(content: Buffer, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise ValueError("the message ends within a number")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _write_varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
