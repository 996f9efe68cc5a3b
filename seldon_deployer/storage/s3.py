"""Amazon S3 and what speaks its protocol, by boto3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seldon_deployer.storage.location import Location
from seldon_deployer.storage.s3_calls import S3Calls, read_version
from seldon_deployer.storage.s3_client import read_settings
from seldon_deployer.storage.s3_fetch import fetch_object, find_part_bytes
from seldon_deployer.storage.s3_send import send_file
from seldon_deployer.storage.s3_sums import etag_of, is_md5
from seldon_deployer.storage.store import Environment, OnBytes, StoredFile


def open_bucket(location: Location, environment: Environment | None) -> S3Bucket:
    """The bucket of an address, with the settings of its remote; calls nothing yet.

    Raises ConfigError for settings that cannot be, or where boto3 is not installed.
    """
    return S3Bucket(S3Calls(location.bucket, read_settings(location.remote, environment)))


class S3Bucket:
    """One bucket. See `storage.store.Bucket`."""

    def __init__(self, calls: S3Calls) -> None:
        self._calls = calls

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`."""
        settings = self._calls.settings
        pages = self._calls.client.get_paginator(settings.list_operation).paginate(
            Bucket=self._calls.bucket, Prefix=prefix, **settings.list_options
        )
        with self._calls.translated(prefix):
            for page in pages:
                for each in page.get("Contents", []):
                    yield StoredFile(each["Key"], each["Size"], read_version(each))

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file."""
        if limit_bytes <= 0:
            return b""
        calls = self._calls
        options = calls.settings.read_options | {"Range": f"bytes=0-{limit_bytes - 1}"}
        with calls.translated(key):
            try:
                answer = calls.client.get_object(Bucket=calls.bucket, Key=key, **options)
            except calls.client.exceptions.ClientError as error:
                # An empty file has no first byte.
                if _status(error) == 416:
                    return b""
                raise
            with answer["Body"] as body:
                # A store that knows no ranges sends everything.
                return bytes(body.read(limit_bytes))

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Write a file to `target` in parallel ranges, verified by the store's checksum."""
        fetch_object(self._calls, file, target, on_bytes)

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Write a local file to `key`, whole or not at all."""
        send_file(self._calls, source, key, on_bytes)

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether a local file has the etag of the stored one."""
        if not source.is_file() or source.stat().st_size != file.size_bytes:
            return False
        if is_md5(file.version):
            return etag_of(source) == file.version
        part_bytes = find_part_bytes(self._calls, file)
        return bool(part_bytes) and etag_of(source, part_bytes) == file.version


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
