"""Reading protocol buffers field by field, without their schema's library.

Only what a few known messages need: an ONNX model says its versions and its tensors, a SavedModel
the TensorFlow that wrote it. The file is mapped, so weights are passed over and not read.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seldon_deployer.artifacts.pickles import unreadable
from seldon_deployer.errors import ArtifactError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


@dataclass(frozen=True, slots=True)
class Message:
    """A message within a buffer, from `start` to `end`."""

    buffer: mmap.mmap | bytes
    start: int
    end: int

    def numbers(self, field: int) -> list[int]:
        """The integers of a field, in order."""
        return [value for number, kind, value, _ in self._fields() if (number, kind) == (field, 0)]

    def texts(self, field: int) -> list[str]:
        """The strings of a field, in order."""
        return [
            bytes(self.buffer[each.start : each.end]).decode(errors="replace")
            for each in self.messages(field)
        ]

    def messages(self, field: int) -> list[Message]:
        """The messages of a field, in order."""
        return [
            Message(self.buffer, at, at + value)
            for number, kind, value, at in self._fields()
            if (number, kind) == (field, _BYTES)
        ]

    def _fields(self) -> Iterator[tuple[int, int, int, int]]:
        """(field, wire type, value or size, where its bytes begin). Raises ValueError."""
        at = self.start
        while at < self.end:
            key, at = self._varint(at)
            kind, value = key & 7, 0
            if kind in (_VARINT, _BYTES):
                value, at = self._varint(at)
            elif kind not in _FIXED:
                raise ValueError(f"wire type {kind}")
            begin, at = at, at + (value if kind == _BYTES else _FIXED.get(kind, 0))
            if key >> 3 == 0 or at > self.end:
                raise ValueError("it ends too early")
            yield key >> 3, kind, value, begin

    def _varint(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while at < self.end and shift < 64:
            byte = self.buffer[at]
            value |= (byte & 0x7F) << shift
            at += 1
            if byte < 0x80:
                return value, at
            shift += 7
        raise ValueError("it ends too early")


@contextmanager
def open_message(path: Path) -> Iterator[Message]:
    """The message that a file holds, readable while the context lasts. Raises ArtifactError."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise ValueError("it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                yield Message(content, 0, len(content))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise ArtifactError(
            f"{path.name} cannot be read",
            why=f"it is no protocol buffer: {error}",
            hint="save the model again, and check that the copy is whole",
        ) from error
