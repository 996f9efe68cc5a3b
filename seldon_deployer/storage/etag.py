"""S3's etags and checksums, and those of files.

An object that was sent whole has the MD5 of its bytes; one that was sent in N parts has the MD5 of
the parts' MD5s, and `-N` behind it. Encrypted with a key of KMS or of one's own, it has neither.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seldon_deployer.storage.parts import Part, split

_MD5 = re.compile(r"[0-9a-f]{32}")
_MD5_OF_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]*)")
_READ_BYTES = 1 << 20
# Those that Python has.
_ALGORITHMS = ("SHA256", "SHA1", "CRC32")


@dataclass(frozen=True, slots=True)
class Checksum:
    """name: as S3 calls it, SHA256, SHA1 or CRC32; value: base64."""

    name: str
    value: str


def is_md5(etag: str) -> bool:
    """Whether an etag looks like the MD5 of all bytes."""
    return _MD5.fullmatch(etag) is not None


def count_parts(etag: str) -> int:
    """In how many parts the object was sent; 0 for one that was sent whole."""
    found = _MD5_OF_PARTS.fullmatch(etag)
    return int(found[1]) if found else 0


def combine(digests: Sequence[bytes]) -> str:
    """The etag of an object whose parts have these MD5s."""
    joined = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{joined}-{len(digests)}"


def etag_of(path: Path, part_bytes: int = 0) -> str:
    """The etag that a file gets when it is sent in parts of `part_bytes`; 0: whole."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if not part_bytes:
            return _md5(file.fileno(), Part(1, 0, size_bytes)).hex()
        return combine([_md5(file.fileno(), part) for part in split(size_bytes, part_bytes)])


def full_checksum(head: Mapping[str, Any]) -> Checksum | None:
    """The checksum over all bytes that the answer to a HEAD has; None where it has none."""
    # Those of objects sent in parts are over the parts' checksums, unless it says otherwise.
    for name in _ALGORITHMS:
        value = str(head.get(f"Checksum{name}", ""))
        if value and "-" not in value and head.get("ChecksumType") in (None, "FULL_OBJECT"):
            return Checksum(name, value)
    return None


def checksum_of(path: Path, name: str) -> str:
    """The checksum of a file in S3's form: base64."""
    if name == "CRC32":
        with path.open("rb") as file:
            number = 0
            while data := file.read(_READ_BYTES):
                number = zlib.crc32(data, number)
        return b64encode(number.to_bytes(4, "big")).decode()
    with path.open("rb") as file:
        return b64encode(hashlib.file_digest(file, name.lower()).digest()).decode()


def _md5(file: int, part: Part) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    end, at = part.start + part.size_bytes, part.start
    while at < end and (data := os.pread(file, min(_READ_BYTES, end - at), at)):
        digest.update(data)
        at += len(data)
    return digest.digest()
