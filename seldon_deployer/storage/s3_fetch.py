"""From S3 to a file: ranges side by side, summed while they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seldon_deployer.storage.failures import corrupted, failed
from seldon_deployer.storage.parts import (
    WRITE_BYTES,
    BrokenLink,
    Part,
    Sink,
    fetch_part,
    fetch_parts,
    open_target,
    split,
)
from seldon_deployer.storage.s3_calls import S3Calls, is_etag
from seldon_deployer.storage.s3_sums import (
    CRC32,
    MD5,
    Algorithm,
    checksum_of,
    count_parts,
    etag_of,
    is_md5,
    whole_checksum,
)
from seldon_deployer.storage.store import OnBytes, StoredFile

_PART_BYTES = 16 << 20


@dataclass(frozen=True)
class _Plan:
    """In which parts to fetch, and what their sums must combine to; '' where that is not known."""

    part_bytes: int
    algorithm: Algorithm
    expected: str


def fetch_object(calls: S3Calls, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
    """Write an object to `target`, and verify it. See `storage.store.Bucket.fetch`."""
    plan = _make_plan(calls, file)
    read = partial(_read_range, calls, file)
    with open_target(target) as opened:

        def fetch(part: Part, count: OnBytes) -> bytes:
            made = plan.algorithm.new()
            fetch_part(read, opened, part, count, made)
            return made.digest()

        parts = split(file.size_bytes, plan.part_bytes)
        digests = fetch_parts(calls.workers, parts, fetch, on_bytes)
    _verify(calls, file, target, plan, digests)


def find_part_bytes(calls: S3Calls, file: StoredFile) -> int:
    """In parts of which size an object was sent; 0 where it was not, or that cannot be known."""
    return _part_bytes(file, _first_part(calls, file)) if count_parts(file.version) else 0


def _make_plan(calls: S3Calls, file: StoredFile) -> _Plan:
    count = count_parts(file.version)
    unknown = _Plan(_PART_BYTES, MD5, "")
    if not count:
        return unknown
    first = _first_part(calls, file)
    part_bytes = _part_bytes(file, first)
    if not part_bytes:
        return unknown
    if "ChecksumCRC32" in first:
        crc32 = str(calls.head(file, ChecksumMode="ENABLED").get("ChecksumCRC32", ""))
        if crc32.endswith(f"-{count}"):
            return _Plan(part_bytes, CRC32, crc32)
    return _Plan(part_bytes, MD5, file.version if calls.settings.has_md5_of_parts else "")


def _first_part(calls: S3Calls, file: StoredFile) -> Any:
    return calls.head(file, ChecksumMode="ENABLED", PartNumber=1)


def _part_bytes(file: StoredFile, first: Any) -> int:
    # A store that knows no part numbers tells the length of the whole.
    size_bytes = int(first["ContentLength"])
    is_part = size_bytes and -(-file.size_bytes // size_bytes) == count_parts(file.version)
    return size_bytes if is_part else 0


def _read_range(calls: S3Calls, file: StoredFile, start: int, end: int, take: Sink) -> None:
    from seldon_deployer.storage.s3_failures import reading

    where = calls.where(file.path)
    options = calls.settings.read_options | {"Range": f"bytes={start}-{end - 1}"}
    if is_etag(file.version):
        options["IfMatch"] = f'"{file.version}"'
    left = end - start
    with reading(where, calls.client, calls.settings):
        answer = calls.client.get_object(Bucket=calls.bucket, Key=file.path, **options)
        with answer["Body"] as body:
            if answer["ContentLength"] != left:
                raise corrupted(where, "the store sends other bytes than were asked for")
            while left and (data := body.read(min(WRITE_BYTES, left))):
                left -= len(data)
                take(data)
    if left:
        raise BrokenLink(failed(where, "the bytes ended before their time"))


def _verify(
    calls: S3Calls, file: StoredFile, target: Path, plan: _Plan, digests: Sequence[bytes]
) -> None:
    where = calls.where(file.path)
    found, expected = plan.algorithm.combine(digests), plan.expected
    if is_md5(file.version):
        found = digests[0].hex() if len(digests) == 1 else etag_of(target)
        expected = file.version
    if expected and found == expected:
        return
    if plan.algorithm is CRC32:
        raise corrupted(where, "its CRC32 is another than the store's")
    # Its etag is none of the bytes, or they are others. What the store says beside it decides.
    head = calls.head(file, ChecksumMode="ENABLED")
    stored = whole_checksum(head, file.version)
    if stored is not None and checksum_of(target, stored.name) != stored.value:
        raise corrupted(where, f"its {stored.name} is another than the store's")
    if stored is None and expected and not _is_encrypted(head):
        raise corrupted(where, "its MD5 is another than the store's etag")


def _is_encrypted(head: Any) -> bool:
    """Whether the object is encrypted with a key by which its etag is no MD5."""
    by_kms = str(head.get("ServerSideEncryption", "")).startswith("aws:kms")
    return by_kms or "SSECustomerAlgorithm" in head
