"""Azure Blob Storage, by azure-storage-blob."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.azure_client import BLOCK_BYTES, AzureSettings, read_settings
from seldon_deployer.storage.digest import ArrivingDigest
from seldon_deployer.storage.failures import corrupted, failed, missing_file
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

# The library holds each request's bytes in memory, twice for a moment.
_FETCH_BYTES = BLOCK_BYTES
_SENDERS = 4

# The library's sessions have ten connections; the files beside need some.
_WORKERS = 6


def open_bucket(location: Location, environment: Environment | None) -> AzureContainer:
    """The container of an address, with the settings of its remote; calls nothing yet.

    Raises ConfigError for settings that cannot be, or where azure-storage-blob is not installed.
    """
    settings = read_settings(location, environment)
    container = AzureContainer(settings)
    if not settings.is_ambient:
        # What only the pods can use is told when it is to be used.
        with suppress(StorageError):
            container.open_client()
    return container


class AzureContainer:
    """One container. See `storage.store.Bucket`.

    A file's version is its etag, and its MD5 where whoever sent it told one.
    """

    def __init__(self, settings: AzureSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._opened: Any = None
        # A large file goes in blocks side by side: two at once would only take more memory.
        self._sending = Lock()
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="azure")

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`."""
        with self._translated(""):
            # Accounts with real folders list these as empty files.
            found = self.open_client().list_blobs(
                name_starts_with=prefix or None, include=["metadata"]
            )
            for blob in found:
                if (blob.metadata or {}).get("hdi_isfolder") != "true":
                    yield StoredFile(blob.name, blob.size, _version(blob))

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file."""
        from azure.core.exceptions import HttpResponseError

        if limit_bytes <= 0:
            return b""
        with self._translated(key):
            try:
                found = self.open_client().download_blob(key, offset=0, length=limit_bytes)
            except HttpResponseError as error:
                # An empty file has no first byte.
                if error.status_code == 416:
                    return b""
                raise
            data: bytes = found.readall()
        return data[:limit_bytes]

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Write a file to `target` in parallel ranges of one etag, and verify its MD5."""
        read = partial(self._read_range, file)
        expected, md5 = _md5(file), hashlib.md5(usedforsecurity=False)
        with open_target(target) as opened, target.open("rb") as written:
            digest = ArrivingDigest(md5.update if expected else len, written.fileno())

            def fetch(part: Part, count: OnBytes) -> None:
                fetch_part(read, opened, part, count)
                digest.add(part)

            fetch_parts(self._workers, split(file.size_bytes, _FETCH_BYTES), fetch, on_bytes)
            digest.finish()
        if expected and b64encode(md5.digest()).decode() != expected:
            raise corrupted(self._where(file.path), "its MD5 is another than the store's")

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Write a local file to `key`, in parallel blocks that become a file at the end."""
        from azure.storage.blob import ContentSettings

        before = source.stat()
        md5 = _md5_of(source)
        turn = self._sending if before.st_size > BLOCK_BYTES else nullcontext()
        with source.open("rb") as file, turn, self._translated(key):
            self.open_client().upload_blob(
                key,
                file,
                length=before.st_size,
                overwrite=True,
                max_concurrency=_SENDERS,
                # Each block goes with its own MD5, which the store compares.
                validate_content=True,
                content_settings=ContentSettings(
                    content_type="application/octet-stream", content_md5=bytearray(md5)
                ),
                progress_hook=_Progress(on_bytes),
            )
        after = source.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise failed(self._where(key), f"{source} was changed while it was sent")

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether a local file has the MD5 that the stored one was sent with."""
        if not source.is_file() or source.stat().st_size != file.size_bytes:
            return False
        expected = _md5(file)
        return bool(expected) and b64encode(_md5_of(source)).decode() == expected

    def _read_range(self, file: StoredFile, start: int, end: int, take: Sink) -> None:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError

        from seldon_deployer.storage.azure_failures import reading

        where = self._where(file.path)
        with reading(where, self._settings):
            try:
                found = self.open_client().download_blob(
                    file.path,
                    offset=start,
                    length=end - start,
                    etag=f'"{file.version.partition("/")[0]}"',
                    match_condition=MatchConditions.IfNotModified,
                    # Whoever calls tries again.
                    retry_total=0,
                )
            except ResourceModifiedError:
                # Some stores say that of a file that is no longer there, too.
                if self.open_client().get_blob_client(file.path).exists():
                    raise
                raise missing_file(where) from None
            data: bytes = found.readall()
        if len(data) > end - start:
            raise corrupted(where, "the store sends other bytes than were asked for")
        take(data)
        if len(data) < end - start:
            raise BrokenLink(failed(where, "the bytes ended before their time"))

    def open_client(self) -> Any:
        """The library's client, made the first time; asks nobody."""
        with self._lock:
            if self._opened is None:
                self._opened = self._settings.open_client()
            return self._opened

    def _translated(self, key: str) -> AbstractContextManager[None]:
        # Azure's libraries are loaded with the client, not with this module.
        from seldon_deployer.storage.azure_failures import translate

        return translate(self._where(key), self._settings)

    def _where(self, key: str) -> str:
        return f"{self._settings.remote}://{self._settings.container}/{key}"


class _Progress:
    """The library tells sums, from several threads; what is wanted is what came to them."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self._lock = Lock()
        self._most = 0

    def __call__(self, current: int, _: int | None) -> None:
        with self._lock:
            more, self._most = current - self._most, max(current, self._most)
        if more > 0:
            self._on_bytes(more)


def _version(blob: Any) -> str:
    md5 = blob.content_settings.content_md5
    etag = str(blob.etag).strip('"')
    # No etag has a slash.
    return f"{etag}/{b64encode(md5).decode()}" if md5 else etag


def _md5(file: StoredFile) -> str:
    return file.version.partition("/")[2]


def _md5_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).digest()
