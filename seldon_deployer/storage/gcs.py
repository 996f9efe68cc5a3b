"""Google Cloud Storage, by google-cloud-storage."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial, reduce
from pathlib import Path
from threading import Lock
from typing import Any

from seldon_deployer.errors import StorageMissing
from seldon_deployer.storage.crc32c import CRC32C
from seldon_deployer.storage.failures import changed, corrupted, failed, missing_bucket
from seldon_deployer.storage.gcs_client import GCSSettings, read_settings
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.parts import (
    BrokenLink,
    Part,
    Sink,
    fetch_part,
    fetch_parts,
    open_target,
    split,
)
from seldon_deployer.storage.store import Environment, OnBytes, StoredFile

# A request costs time, and a broken one costs what it brought; four for each worker are enough.
_LEAST_FETCH_BYTES = 8 << 20
_MOST_FETCH_BYTES = 32 << 20
# What is no larger goes in one request, from memory.
_WHOLE_BYTES = 8 << 20
# The library's sessions have ten connections; the files beside need some.
_WORKERS = 6
_READ_BYTES = 1 << 20
# To connect, and between two bytes.
_TIMEOUT_SECONDS = (3, 30)
_RETRY_SECONDS = 8


def open_bucket(location: Location, environment: Environment | None) -> GCSBucket:
    """The bucket of an address, with the settings of its remote; calls nothing yet.

    Raises ConfigError for settings that cannot be, or where google-cloud-storage is not installed.
    """
    return GCSBucket(location.bucket, read_settings(location.remote, environment))


class GCSBucket:
    """One bucket. See `storage.store.Bucket`.

    A file's version is its generation and its CRC32C: the one says which bytes are asked for, the
    other whether they arrived.
    """

    def __init__(self, name: str, settings: GCSSettings) -> None:
        self._name = name
        self._settings = settings
        self._lock = Lock()
        self._opened: Any = None
        self._session: Any = None
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="gcs")

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`."""
        with self._translated(""):
            bucket = self._open()
            found = bucket.client.list_blobs(
                bucket,
                prefix=prefix or None,
                fields="items(name,size,generation,crc32c),nextPageToken",
                timeout=_TIMEOUT_SECONDS,
                retry=_retry(),
            )
            for blob in found:
                yield StoredFile(blob.name, blob.size or 0, f"{blob.generation}/{blob.crc32c}")

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file."""
        from google.api_core.exceptions import RequestRangeNotSatisfiable

        if limit_bytes <= 0:
            return b""
        with self._translated(key):
            try:
                data: bytes = (
                    self._open()
                    .blob(key)
                    .download_as_bytes(
                        start=0,
                        end=limit_bytes - 1,
                        raw_download=True,
                        checksum=None,
                        timeout=_TIMEOUT_SECONDS,
                        retry=_retry(),
                    )
                )
            except RequestRangeNotSatisfiable:
                # An empty file has no first byte.
                return b""
        return data[:limit_bytes]

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Write a file to `target` in parallel ranges of one generation, and verify its CRC32C."""
        read = partial(self._read_range, file)
        part_bytes = file.size_bytes // (4 * _WORKERS)
        part_bytes = min(max(part_bytes, _LEAST_FETCH_BYTES), _MOST_FETCH_BYTES)
        with open_target(target) as opened:

            def fetch(part: Part, count: OnBytes) -> CRC32C:
                made = CRC32C()
                fetch_part(read, opened, part, count, made)
                return made

            parts = split(file.size_bytes, part_bytes)
            sums = fetch_parts(self._workers, parts, fetch, on_bytes)
        if reduce(CRC32C.then, sums).text != _crc32c(file):
            raise corrupted(self._where(file.path), "its CRC32C is another than the store's")

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Write a local file to `key`, in one stream, which goes on where a link breaks."""
        size_bytes, crc32c = source.stat().st_size, _crc32c_of(source)
        try:
            with self._translated(key):
                blob = self._open().blob(key)
                # The store refuses other bytes.
                blob.crc32c = crc32c
                options = {
                    "content_type": "application/octet-stream",
                    "checksum": None,
                    "timeout": _TIMEOUT_SECONDS,
                    "retry": _retry(),
                }
                if size_bytes <= _WHOLE_BYTES:
                    blob.upload_from_string(source.read_bytes(), **options)
                    on_bytes(size_bytes)
                    stored = (blob.size, blob.crc32c)
                else:
                    from seldon_deployer.storage.gcs_upload import send_stream

                    address = blob.create_resumable_upload_session(size=size_bytes, **options)
                    told = send_stream(address, source, on_bytes)
                    stored = (int(told["size"]), told["crc32c"])
        except StorageMissing as error:
            # What is to be made cannot be missing.
            raise missing_bucket(self._where("").rstrip("/")) from error.__cause__
        if stored != (size_bytes, crc32c):
            raise failed(self._where(key), f"{source} was changed while it was sent")

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether a local file has the CRC32C of the stored one."""
        if not source.is_file() or source.stat().st_size != file.size_bytes:
            return False
        return _crc32c_of(source) == _crc32c(file)

    def _read_range(self, file: StoredFile, start: int, end: int, take: Sink) -> None:
        from seldon_deployer.storage.gcs_failures import reading
        from seldon_deployer.storage.gcs_fetch import media_address, read_range

        where = self._where(file.path)
        generation = file.version.partition("/")[0]
        try:
            with reading(where, self._settings):
                client, session = self._open().client, self._open_session()
                address = media_address(client.api_endpoint, self._name, file.path, generation)
                came = read_range(session, address, start, end, take, where)
        except StorageMissing as error:
            # That generation is gone; another one may have taken its place.
            if self._is_there(file.path):
                raise changed(where) from error.__cause__
            raise
        if came < end - start:
            raise BrokenLink(failed(where, "the bytes ended before their time"))

    def _is_there(self, key: str) -> bool:
        with self._translated(key):
            blob = self._open().blob(key)
            return bool(blob.exists(timeout=_TIMEOUT_SECONDS, retry=_retry()))

    def _open(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = self._settings.open_client().bucket(self._name)
            return self._opened

    def _open_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._settings.open_session()
            return self._session

    def _translated(self, key: str) -> AbstractContextManager[None]:
        # Google's libraries are loaded with the client, not with this module.
        from seldon_deployer.storage.gcs_failures import translate

        return translate(self._where(key), self._settings)

    def _where(self, key: str) -> str:
        return f"{self._settings.remote}://{self._name}/{key}"


def _crc32c(file: StoredFile) -> str:
    return file.version.partition("/")[2]


def _crc32c_of(path: Path) -> str:
    checksum = CRC32C()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            checksum.update(data)
    return checksum.text


def _retry() -> Any:
    """Passing failures are tried again, for seconds: a wrong host should not take minutes."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_delay(initial=0.2, maximum=2.0).with_timeout(_RETRY_SECONDS)
