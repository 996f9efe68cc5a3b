"""A file's CRC32C is made of those of its parts, as Google's own library sums the whole."""

from __future__ import annotations

from base64 import b64encode
from functools import reduce

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.storage.crc32c import CRC32C


def sum_of(data: bytes) -> CRC32C:
    made = CRC32C()
    made.update(data)
    return made


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_the_sums_of_parts_make_the_sum_of_the_whole(parts: list[bytes]) -> None:
    whole = google_crc32c.value(b"".join(parts))

    made = reduce(CRC32C.then, [sum_of(part) for part in parts])

    assert made.number == whole
    assert made.text == b64encode(whole.to_bytes(4, "big")).decode()


def test_a_part_of_megabytes_counts_with_its_length() -> None:
    one, other = bytes(range(256)) * 4096, bytes(8 << 20)

    assert sum_of(one).then(sum_of(other)).number == google_crc32c.value(one + other)


def test_parts_in_another_order_have_another_sum() -> None:
    assert sum_of(b"a").then(sum_of(b"bc")).text != sum_of(b"bc").then(sum_of(b"a")).text
