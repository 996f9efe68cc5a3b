"""Large files to Google Cloud Storage: one stream, that goes on where a link broke.

The client's own uploads hold each piece in memory, so that pieces are small and each waits for the
store's answer. Its parallel ones leave pieces behind where they are cut, or need more rights.
Source: Cloud Storage documentation, "Perform resumable uploads".
"""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path
from typing import Any, BinaryIO

import requests
from google.cloud.storage.exceptions import InvalidResponse

from seldon_deployer.storage.failures import failed
from seldon_deployer.storage.store import OnBytes

# To connect, and until the store answers: it puts the file together at the end.
_TIMEOUT_SECONDS = (3, 120)
_TRIES = 5
_FIRST_WAIT_SECONDS = 0.2
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_INCOMPLETE = 308
_RECEIVED = re.compile(r"bytes=0-(\d+)")


def send_stream(session_address: str, source: Path, on_bytes: OnBytes) -> dict[str, Any]:
    """Send a file to an upload that was begun; returns what the store says of the new file.

    session_address: what the store gave for this upload; whoever has it may write the file. Raises
    what requests raises, InvalidResponse for an answer that is no, and StorageError where the file
    is changed meanwhile.
    """
    with source.open("rb") as file, requests.Session() as session:
        body = _Body(file, source, on_bytes)
        tries, furthest, start, asks = 0, 0, 0, False
        while True:
            try:
                answer = _put(session, session_address, body, None if asks else start)
            except (requests.ConnectionError, requests.Timeout, InvalidResponse) as error:
                tries += 1
                if tries >= _TRIES or not _is_passing(error):
                    raise
                time.sleep(_FIRST_WAIT_SECONDS * 2**tries * random.uniform(0.5, 1.0))  # noqa: S311
                asks = True
                continue
            received = _received(answer)
            if received is None:
                told: dict[str, Any] = answer.json()
                return told
            if received > furthest:
                # A link may break as often as it gets on.
                tries, furthest = 0, received
            elif not asks:
                # Nothing broke, and nothing came of it.
                tries += 1
                if tries >= _TRIES:
                    raise InvalidResponse(answer, "the upload gets no further")
            start, asks = received, False


class _Body:
    """A file from some place on; what is sent again counts once."""

    def __init__(self, file: BinaryIO, source: Path, on_bytes: OnBytes) -> None:
        self._file = file
        self._source = source
        self._on_bytes = on_bytes
        self._most = 0
        self.size_bytes = source.stat().st_size

    def __len__(self) -> int:
        # requests takes from it what `tell` says, and announces the rest.
        return self.size_bytes

    def __iter__(self) -> _Body:
        # By this requests knows a stream; it is read all the same.
        return self

    def seek(self, at: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(at, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        left = self.size_bytes - self._file.tell()
        data = self._file.read(left if size < 0 else min(size, left))
        if left and not data:
            raise failed(str(self._source), "it became shorter while it was sent")
        at = self._file.tell()
        if at > self._most:
            self._on_bytes(at - self._most)
            self._most = at
        return data


def _put(
    session: requests.Session, address: str, body: _Body, start: int | None
) -> requests.Response:
    """Send the bytes from `start` on; None: none, but ask how many are there."""
    if start is not None:
        body.seek(start)
    span = "*" if start is None else f"{start}-{body.size_bytes - 1}"
    answer = session.put(
        address,
        data=b"" if start is None else body,
        headers={"Content-Range": f"bytes {span}/{body.size_bytes}"},
        timeout=_TIMEOUT_SECONDS,
        # 308 says how far it is, and not where else to go.
        allow_redirects=False,
    )
    if not answer.ok:
        raise InvalidResponse(answer, f"HTTP {answer.status_code}")
    return answer


def _received(answer: requests.Response) -> int | None:
    """How many bytes the store has; None: all of them, and the file is made."""
    if answer.status_code != _INCOMPLETE:
        return None
    found = _RECEIVED.fullmatch(answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0


def _is_passing(error: Exception) -> bool:
    return not isinstance(error, InvalidResponse) or error.response.status_code in _PASSING
