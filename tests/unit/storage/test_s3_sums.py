from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.storage.parts import split
from seldon_deployer.storage.s3_sums import (
    CRC32,
    MD5,
    checksum_of,
    count_parts,
    etag_of,
    is_md5,
    whole_checksum,
)


@given(st.integers(0, 1000), st.integers(1, 300))
def test_parts_cover_a_file_once_and_in_order(size_bytes: int, part_bytes: int) -> None:
    parts = split(size_bytes, part_bytes)

    covered = [at for part in parts for at in range(part.start, part.start + part.size_bytes)]
    assert covered == list(range(size_bytes))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert all(part.size_bytes == part_bytes for part in parts[:-1])


@given(st.binary(max_size=100), st.integers(1, 40))
def test_an_etag_is_the_md5_of_the_whole_or_of_the_parts(tmp_path_factory, data, part_bytes):
    file = tmp_path_factory.mktemp("etag") / "file"
    file.write_bytes(data)

    assert etag_of(file) == hashlib.md5(data).hexdigest()
    assert is_md5(etag_of(file))
    assert count_parts(etag_of(file)) == 0
    pieces = [data[at : at + part_bytes] for at in range(0, len(data), part_bytes)] or [b""]
    etag = etag_of(file, part_bytes)
    assert etag == MD5.combine([hashlib.md5(piece).digest() for piece in pieces])
    assert count_parts(etag) == len(pieces)
    assert not is_md5(etag)


@pytest.mark.parametrize("etag", ["", "x", "5-1", f"{'0' * 32}-0", f"{'0' * 32}-", "a@b", "G" * 32])
def test_what_is_no_md5_is_not_taken_for_one(etag: str) -> None:
    assert not is_md5(etag)
    assert count_parts(etag) == 0


def test_a_checksum_over_all_bytes_is_used_and_one_over_parts_is_not(tmp_path) -> None:
    data = b"123456789"
    file = tmp_path / "file"
    file.write_bytes(data)
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    sha = base64.b64encode(hashlib.sha256(data).digest()).decode()

    whole = hashlib.md5(data).hexdigest()
    for head, etag, name, value in (
        ({"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT"}, f"{whole}-2", "CRC32", crc),
        ({"ChecksumSHA256": sha}, whole, "SHA256", sha),
    ):
        found = whole_checksum(head, etag)
        assert found is not None
        assert (found.name, found.value) == (name, value)
        assert checksum_of(file, name) == value
    assert whole_checksum({"ChecksumSHA256": f"{sha}-2"}, f"{whole}-2") is None
    # Some servers leave out what it is of.
    assert whole_checksum({"ChecksumCRC32": crc}, f"{whole}-2") is None
    assert whole_checksum({"ChecksumCRC32": crc, "ChecksumType": "COMPOSITE"}, whole) is None
    assert whole_checksum({"ETag": "x"}, whole) is None


def test_the_crc32_of_parts_is_what_a_real_server_makes_of_them() -> None:
    # MinIO, 2026-02-12: parts of 8 MiB of zeros, and one byte.
    sums = [CRC32.sum_of(bytes(8 << 20)), CRC32.sum_of(b"x")]
    assert CRC32.combine(sums) == "AitGSw==-2"
