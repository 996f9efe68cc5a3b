"""A checksum of parts is that of the file, in whatever order and by how many threads they come."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.storage.digest import ArrivingDigest
from seldon_deployer.storage.parts import split


@given(st.binary(max_size=200), st.integers(1, 50), st.randoms(), st.integers(1, 4))
def test_the_checksum_of_arriving_parts_is_that_of_the_whole(data, part_bytes, random, threads):
    file = os.memfd_create("file")
    try:
        os.write(file, data)
        found = hashlib.sha256()
        digest = ArrivingDigest(found.update, file)
        parts = split(len(data), part_bytes)
        random.shuffle(parts)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(digest.add, parts))
        digest.finish()
        assert found.digest() == hashlib.sha256(data).digest()
    finally:
        os.close(file)
