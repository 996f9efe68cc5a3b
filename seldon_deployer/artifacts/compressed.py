"""Compressed files, as joblib writes them: what their first bytes hold.

joblib tells zlib, gzip, bzip2, xz, lzma and lz4 apart by how a file begins, whatever its name, and
so do we. As little is unpacked as was asked for: a small file may hold any amount of zeros.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

# How a file begins -> what unpacks it. Source: joblib's own table of compressors; zlib's four
# marks stand for its levels, for the first letter alone is any text's with an x in front.
_UNPACKERS: Mapping[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
    b"]\x00": lzma.LZMADecompressor,
    b"\x04\x22\x4d\x18": lambda: _lz4(),
    **dict.fromkeys((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), zlib.decompressobj),
}
MARKS = tuple(_UNPACKERS)


class NotUnpackable(ValueError):
    """What would unpack it is not installed here."""


def unpack_start(content: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    """The first bytes of what is packed in `content`, and whether they are all of it.

    `content` may be the beginning of a file only. Raises ValueError where nothing can be unpacked:
    it only begins like a compressed file, or is damaged; NotUnpackable without lz4.
    """
    make = next((make for mark, make in _UNPACKERS.items() if content.startswith(mark)), None)
    if make is None:
        raise ValueError("it is not compressed")
    try:
        unpacker = make()
        unpacked: bytes = unpacker.decompress(content, limit_bytes)
    # Each library has an error of its own, and lz4's is a RuntimeError.
    except (OSError, EOFError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise ValueError(f"what is packed in it is damaged: {error}") from error
    return unpacked, bool(unpacker.eof)


def _lz4() -> Any:
    try:
        frame: Any = import_module("lz4.frame")
    except ImportError:
        raise NotUnpackable("it is compressed by lz4, which is not installed") from None
    return frame.LZ4FrameDecompressor()
