"""Amazon S3 and what speaks its protocol, by boto3."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from seldon_deployer.storage.etag import (
    checksum_of,
    combine,
    count_parts,
    etag_of,
    full_checksum,
    is_md5,
)
from seldon_deployer.storage.failures import corrupted, failed
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.parts import (
    BrokenLink,
    Part,
    Sink,
    fetch_part,
    open_target,
    run_all,
    send_part,
    split,
    stoppable,
)
from seldon_deployer.storage.s3_client import S3Settings, read_settings
from seldon_deployer.storage.store import Environment, OnBytes, StoredFile

_FETCH_BYTES = 16 << 20
# S3's least is 5 MiB. As many parts as there are workers are in memory at once.
_SEND_BYTES = 8 << 20
_WORKERS = 8
_READ_BYTES = 1 << 20
_MIB = 1 << 20


def open_bucket(location: Location, environment: Environment | None) -> S3Bucket:
    """The bucket of an address, with the settings of its remote; calls nothing yet.

    Raises ConfigError for settings that cannot be, or where boto3 is not installed.
    """
    return S3Bucket(location.bucket, read_settings(location.remote, environment))


class S3Bucket:
    """One bucket. See `storage.store.Bucket`."""

    def __init__(self, name: str, settings: S3Settings) -> None:
        self._name = name
        self._settings = settings
        self._client = settings.open_client()
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="s3")

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`."""
        pages = self._client.get_paginator(self._settings.list_operation).paginate(
            Bucket=self._name, Prefix=prefix, **self._settings.list_options
        )
        with self._translated(prefix):
            for page in pages:
                for each in page.get("Contents", []):
                    yield StoredFile(each["Key"], each["Size"], _version(each))

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file."""
        if limit_bytes <= 0:
            return b""
        options = self._settings.read_options | {"Range": f"bytes=0-{limit_bytes - 1}"}
        with self._translated(key):
            try:
                answer = self._client.get_object(Bucket=self._name, Key=key, **options)
            except self._client.exceptions.ClientError as error:
                # An empty file has no first byte.
                if _status(error) == 416:
                    return b""
                raise
            with answer["Body"] as body:
                # A store that knows no ranges sends everything.
                return bytes(body.read(limit_bytes))

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Write a file to `target` in parallel ranges, and verify it by its etag."""
        part_bytes = self._stored_part_bytes(file)
        parts = split(file.size_bytes, part_bytes or _FETCH_BYTES)
        stop = Event()
        count = stoppable(on_bytes, stop)
        read = partial(self._read_range, file)
        with open_target(target) as number:

            def run(part: Part) -> bytes:
                digest = hashlib.md5(usedforsecurity=False)
                fetch_part(read, number, part, count, digest)
                return digest.digest()

            if len(parts) == 1:
                digests = [run(parts[0])]
            else:
                digests = run_all(self._workers, [partial(run, part) for part in parts], stop)
        self._verify(file, target, digests, part_bytes)

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Write a local file to `key`: whole, or in parts that become an object at the end."""
        size_bytes = source.stat().st_size
        part_bytes = max(_SEND_BYTES, -(-size_bytes // self._settings.most_parts))
        # In whole MiB, as rclone has them: the size can be guessed from the number of parts.
        part_bytes = -(-part_bytes // _MIB) * _MIB
        if size_bytes > part_bytes:
            self._send_parts(source, key, split(size_bytes, part_bytes), on_bytes)
            return
        data = source.read_bytes()
        send = partial(
            self._call,
            self._client.put_object,
            key,
            Body=data,
            ContentMD5=_md5(data)[1],
            **self._settings.write_options,
        )
        send_part(send, lambda: 0)
        on_bytes(len(data))

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether a local file has the etag of the stored one."""
        if not source.is_file() or source.stat().st_size != file.size_bytes:
            return False
        if is_md5(file.version):
            return etag_of(source) == file.version
        part_bytes = self._stored_part_bytes(file)
        return bool(part_bytes) and etag_of(source, part_bytes) == file.version

    def _read_range(self, file: StoredFile, start: int, end: int, take: Sink) -> None:
        from seldon_deployer.storage.s3_failures import reading

        where = self._where(file.path)
        options = self._settings.read_options | {"Range": f"bytes={start}-{end - 1}"}
        if _is_etag(file.version):
            options["IfMatch"] = f'"{file.version}"'
        left = end - start
        with reading(where, self._client):
            answer = self._client.get_object(Bucket=self._name, Key=file.path, **options)
            with answer["Body"] as body:
                if answer["ContentLength"] != left:
                    raise corrupted(where, "the store sends other bytes than were asked for")
                while left and (data := body.read(min(_READ_BYTES, left))):
                    left -= len(data)
                    take(memoryview(data))
        if left:
            raise BrokenLink(failed(where, "the bytes ended before their time"))

    def _verify(
        self, file: StoredFile, target: Path, digests: Sequence[bytes], part_bytes: int
    ) -> None:
        if is_md5(file.version):
            found = digests[0].hex() if len(digests) == 1 else etag_of(target)
        elif part_bytes:
            found = combine(digests)
        else:
            found = ""
        if found == file.version:
            return
        # Its etag is none of the bytes, or they are others. What the store says beside it decides.
        head = self._head(file, ChecksumMode="ENABLED")
        stored = full_checksum(head)
        if stored is not None and checksum_of(target, stored.name) != stored.value:
            raise corrupted(self._where(file.path), f"its {stored.name} is another")
        if stored is None and found and not _is_encrypted(head):
            raise corrupted(self._where(file.path), "its MD5 is another than the store's etag")

    def _stored_part_bytes(self, file: StoredFile) -> int:
        """In parts of which size the object was sent; 0 where that cannot be known."""
        count = count_parts(file.version)
        if not count or not self._settings.has_md5_of_parts:
            return 0
        size_bytes: int = self._head(file, PartNumber=1)["ContentLength"]
        # A store that knows no part numbers tells the length of the whole.
        return size_bytes if size_bytes and -(-file.size_bytes // size_bytes) == count else 0

    def _head(self, file: StoredFile, **options: object) -> Any:
        options |= self._settings.read_options
        return self._call(self._client.head_object, file.path, **options)

    def _send_parts(self, source: Path, key: str, parts: Sequence[Part], on_bytes: OnBytes) -> None:
        call = partial(self._call, key=key)
        options = self._settings.write_options
        upload_id = call(self._client.create_multipart_upload, **options)["UploadId"]
        stop = Event()
        count = stoppable(on_bytes, stop)
        sent: list[int] = []

        def run(part: Part) -> tuple[bytes, dict[str, Any]]:
            count(0)
            data = _read_part(source, part)
            digest, encoded = _md5(data)
            send = partial(
                call,
                self._client.upload_part,
                UploadId=upload_id,
                PartNumber=part.number,
                Body=data,
                ContentMD5=encoded,
                **self._settings.read_options,
            )
            answer = send_part(send, lambda: len(sent))
            sent.append(part.number)
            count(len(data))
            return digest, {"PartNumber": part.number, "ETag": answer["ETag"]}

        try:
            made = run_all(self._workers, [partial(run, part) for part in parts], stop)
            done = call(
                self._client.complete_multipart_upload,
                UploadId=upload_id,
                MultipartUpload={"Parts": [each for _, each in made]},
            )
        except BaseException:
            with suppress(Exception):
                # What was sent so far would be kept, unseen and paid for.
                call(self._client.abort_multipart_upload, UploadId=upload_id)
            raise
        ours, theirs = combine([digest for digest, _ in made]), _version(done)
        if self._settings.has_md5_of_parts and count_parts(theirs) and ours != theirs:
            raise corrupted(self._where(key), "the store made other bytes of the parts")

    def _call(self, operation: Callable[..., Any], key: str, **options: object) -> Any:
        with self._translated(key):
            return operation(Bucket=self._name, Key=key, **options)

    def _translated(self, key: str) -> AbstractContextManager[None]:
        # boto3 is loaded with the client, not with this module.
        from seldon_deployer.storage.s3_failures import translate

        return translate(self._where(key), self._client)

    def _where(self, key: str) -> str:
        return f"{self._settings.remote}://{self._name}/{key}"


def _read_part(source: Path, part: Part) -> bytes:
    with source.open("rb") as file:
        file.seek(part.start)
        data = file.read(part.size_bytes)
    if len(data) != part.size_bytes:
        raise failed(str(source), "it became shorter while it was sent")
    return data


def _version(answer: Any) -> str:
    """The etag; size and time where a store has none."""
    etag = str(answer.get("ETag", "")).strip('"')
    return etag or f"{answer.get('Size', 0)}@{answer.get('LastModified', '')}"


def _is_etag(version: str) -> bool:
    return "@" not in version


def _is_encrypted(head: Any) -> bool:
    """Whether the object is encrypted with a key by which its etag is no MD5."""
    by_kms = str(head.get("ServerSideEncryption", "")).startswith("aws:kms")
    return by_kms or "SSECustomerAlgorithm" in head


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _md5(data: bytes) -> tuple[bytes, str]:
    """The MD5 of a part, and as S3 wants it in a header."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return digest, b64encode(digest).decode()
