"""Ranges of a file from Google Cloud Storage, in pieces of a size that costs little.

The client's own downloads come in pieces of 8 KiB: a hundred thousand turns of Python for a
gigabyte, one thread at a time.
Source: Cloud Storage JSON API, Objects: get, alt=media.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

import requests
from google.cloud.storage.exceptions import InvalidResponse

from seldon_deployer.storage.failures import corrupted
from seldon_deployer.storage.parts import WRITE_BYTES, Sink

# To connect, and between two bytes.
_TIMEOUT_SECONDS = (3, 30)


def media_address(endpoint: str, bucket: str, key: str, generation: str) -> str:
    """Where the bytes of one generation of a file are."""
    place = f"b/{quote(bucket, safe='')}/o/{quote(key, safe='')}"
    return f"{endpoint}/download/storage/v1/{place}?alt=media&generation={generation}"


def read_range(
    session: requests.Session, address: str, start: int, end: int, take: Sink, where: str
) -> int:
    """Bring the bytes from `start` to before `end`, as they are stored; returns how many came.

    session: signs its requests. Raises what requests and urllib3 raise, InvalidResponse for an
    answer that is no, and StorageError for other bytes than were asked for.
    """
    headers = {
        "Range": f"bytes={start}-{end - 1}",
        # As it is stored, compressed or not: its length and checksum are of that.
        "Accept-Encoding": "gzip",
    }
    with session.get(address, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
        if not answer.ok:
            raise InvalidResponse(answer, f"HTTP {answer.status_code}")
        is_range = answer.status_code == HTTPStatus.PARTIAL_CONTENT or start == 0
        if not is_range or int(answer.headers.get("Content-Length", end - start)) != end - start:
            raise corrupted(where, "the store sends other bytes than were asked for")
        came = 0
        while data := answer.raw.read(min(WRITE_BYTES, end - start - came), decode_content=False):
            came += len(data)
            take(data)
        return came
