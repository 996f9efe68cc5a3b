"""Walking UBJSON, XGBoost's binary form of JSON, without building what it holds.

Arrays of one type are passed over by their length, so a large model takes no longer than its trees
have fields. Source: UBJSON specification, draft 12.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from mmap import mmap

# Type letter -> size of a value in bytes. A letter alone is a value too, and C is a character.
_SIZES: Mapping[int, int] = {
    **dict.fromkeys(b"ZTFN", 0),
    **dict.fromkeys(b"iUC", 1),
    ord("I"): 2,
    ord("l"): 4,
    ord("d"): 4,
    ord("L"): 8,
    ord("D"): 8,
}
_INTEGERS: Mapping[int, str] = {
    ord("i"): ">b",
    ord("U"): ">B",
    ord("I"): ">h",
    ord("l"): ">i",
    ord("L"): ">q",
}
_ANY_NUMBER = -1


def walk_ubjson(content: mmap | bytes) -> int:
    """Where the value that begins at the first byte ends.

    Raises ValueError, with the reason, where it is none or ends too early.
    """
    return _Walk(content).value_end()


class _Walk:
    """A position in the bytes, and the containers around it."""

    def __init__(self, content: mmap | bytes) -> None:
        self._content = content
        self._at = 0
        # Of each open container: whether it has keys, its elements' type (0: each tells its own),
        # and how many are still to come.
        self._open: list[tuple[bool, int, int]] = []

    def value_end(self) -> int:
        self._pass_value(self._byte())
        while self._open:
            has_keys, kind, left = self._open.pop()
            closing = ord("}") if has_keys else ord("]")
            if left == 0:
                continue
            if left == _ANY_NUMBER and self._peek() == closing:
                self._at += 1
                continue
            self._open.append((has_keys, kind, left if left == _ANY_NUMBER else left - 1))
            if has_keys:
                self._skip(self._integer(self._byte()))
            self._pass_value(kind or self._byte())
        return self._at

    def _pass_value(self, kind: int) -> None:
        if kind in _SIZES:
            self._skip(_SIZES[kind])
        elif kind in b"SH":
            self._skip(self._integer(self._byte()))
        elif kind in b"[{":
            self._enter(has_keys=kind == ord("{"))
        else:
            raise ValueError(f"there is no value of the type {chr(kind)!r} (byte {self._at - 1})")

    def _enter(self, *, has_keys: bool) -> None:
        kind, count = 0, _ANY_NUMBER
        if self._peek() == ord("$"):
            self._at += 1
            kind = self._byte()
            if self._peek() != ord("#"):
                raise ValueError(f"a typed array has no length (byte {self._at})")
        if self._peek() == ord("#"):
            self._at += 1
            count = self._integer(self._byte())
        if not has_keys and kind in _SIZES:
            self._skip(count * _SIZES[kind])
        else:
            self._open.append((has_keys, kind, count))

    def _integer(self, kind: int) -> int:
        form = _INTEGERS.get(kind)
        if form is None:
            raise ValueError(f"a length is no whole number (byte {self._at - 1})")
        begin = self._at
        self._skip(struct.calcsize(form))
        number: int = struct.unpack(form, self._content[begin : self._at])[0]
        if number < 0:
            raise ValueError(f"a length is negative (byte {begin})")
        return number

    def _byte(self) -> int:
        self._skip(1)
        return self._content[self._at - 1]

    def _peek(self) -> int:
        if self._at >= len(self._content):
            raise ValueError(f"it ends too early, after {len(self._content)} bytes")
        return self._content[self._at]

    def _skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._content):
            raise ValueError(f"it ends too early, after {len(self._content)} bytes")
