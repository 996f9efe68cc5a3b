"""S3's checksums: of whole objects, and of the parts that they were sent in.

The etag of an object that was sent whole is the MD5 of its bytes; one that was sent in N parts has
the MD5 of the parts' MD5s, and `-N` behind it. Encrypted with a key of KMS or of one's own, it has
neither. Beside it there may be a CRC32, made in the same way; it takes a third of the time.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seldon_deployer.storage.parts import Part, split

_MD5 = re.compile(r"[0-9a-f]{32}")
_MD5_OF_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]*)")
_READ_BYTES = 1 << 20
# Those that Python has.
_WHOLE = ("SHA256", "SHA1", "CRC32")


class Sum(Protocol):
    """A checksum that is being made."""

    def update(self, data: memoryview | bytes, /) -> None:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """The checksum of the bytes so far."""
        ...


@dataclass(frozen=True)
class Algorithm:
    """How the parts of an object are summed; `combine` gives the object's sum in S3's form."""

    name: str
    new: Callable[[], Sum]
    combine: Callable[[Sequence[bytes]], str]

    def sum_of(self, data: bytes) -> bytes:
        """The sum of bytes at hand."""
        made = self.new()
        made.update(data)
        return made.digest()


class Crc32:
    """zlib's, in the manner of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview | bytes, /) -> None:
        """Take the next bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Four bytes, the highest first."""
        return self._value.to_bytes(4, "big")


def new_md5() -> Sum:
    """An MD5 that guards against accidents, not against anybody."""
    return hashlib.md5(usedforsecurity=False)


def encode(digest: bytes) -> str:
    """A sum in S3's headers: base64."""
    return b64encode(digest).decode()


def _combine_md5(digests: Sequence[bytes]) -> str:
    joined = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{joined}-{len(digests)}"


def _combine_crc32(digests: Sequence[bytes]) -> str:
    joined = zlib.crc32(b"".join(digests)).to_bytes(4, "big")
    return f"{encode(joined)}-{len(digests)}"


MD5 = Algorithm("MD5", new_md5, _combine_md5)
CRC32 = Algorithm("CRC32", Crc32, _combine_crc32)


def is_md5(etag: str) -> bool:
    """Whether an etag looks like the MD5 of all bytes."""
    return _MD5.fullmatch(etag) is not None


def count_parts(etag: str) -> int:
    """In how many parts the object was sent; 0 for one that was sent whole."""
    found = _MD5_OF_PARTS.fullmatch(etag)
    return int(found[1]) if found else 0


def etag_of(path: Path, part_bytes: int = 0) -> str:
    """The etag that a file gets when it is sent in parts of `part_bytes`; 0: whole."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if not part_bytes:
            return _read_sum(file.fileno(), Part(1, 0, size_bytes)).hex()
        return MD5.combine(
            [_read_sum(file.fileno(), part) for part in split(size_bytes, part_bytes)]
        )


@dataclass(frozen=True, slots=True)
class Checksum:
    """Over all bytes. name: as S3 calls it, SHA256, SHA1 or CRC32; value: base64."""

    name: str
    value: str


def whole_checksum(head: Mapping[str, Any], etag: str) -> Checksum | None:
    """The checksum over all bytes that the answer to a HEAD has; None where it has none."""
    kind = head.get("ChecksumType")
    # Of an object that was sent in parts it is over the parts' checksums, unless it says otherwise.
    if kind != "FULL_OBJECT" and (kind is not None or count_parts(etag)):
        return None
    for name in _WHOLE:
        value = str(head.get(f"Checksum{name}", ""))
        if value and "-" not in value:
            return Checksum(name, value)
    return None


def checksum_of(path: Path, name: str) -> str:
    """The checksum of a file in S3's form."""
    with path.open("rb") as file:
        if name != "CRC32":
            return encode(hashlib.file_digest(file, name.lower()).digest())
        made = Crc32()
        while data := file.read(_READ_BYTES):
            made.update(data)
        return encode(made.digest())


def _read_sum(file: int, part: Part) -> bytes:
    made = new_md5()
    end, at = part.start + part.size_bytes, part.start
    while at < end and (data := os.pread(file, min(_READ_BYTES, end - at), at)):
        made.update(data)
        at += len(data)
    return made.digest()
