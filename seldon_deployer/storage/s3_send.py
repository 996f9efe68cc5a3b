"""From a file to S3: whole, or in parts that become an object at the end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.failures import corrupted, failed
from seldon_deployer.storage.parts import Part, run_all, send_part, split, stoppable
from seldon_deployer.storage.s3_calls import S3Calls, read_version
from seldon_deployer.storage.s3_sums import CRC32, MD5, Algorithm, count_parts, encode
from seldon_deployer.storage.store import OnBytes

# S3's least is 5 MiB. As many parts as there are workers are in memory at once.
_PART_BYTES = 8 << 20
_MIB = 1 << 20


def send_file(calls: S3Calls, source: Path, key: str, on_bytes: OnBytes) -> None:
    """Write a local file to `key`. See `storage.store.Bucket.send`."""
    size_bytes = source.stat().st_size
    part_bytes = max(_PART_BYTES, -(-size_bytes // calls.settings.most_parts))
    # In whole MiB, as other tools have them.
    part_bytes = -(-part_bytes // _MIB) * _MIB
    if size_bytes > part_bytes:
        _Upload(calls, source, key).run(split(size_bytes, part_bytes), on_bytes)
        return
    data = source.read_bytes()
    options = {"Body": data, "ContentMD5": encode(MD5.sum_of(data))}
    send = partial(calls.call, "put_object", key, **options, **calls.settings.write_options)
    send_part(send, lambda: 0)
    on_bytes(len(data))


class _Upload:
    """One upload in parts."""

    def __init__(self, calls: S3Calls, source: Path, key: str) -> None:
        self._calls = calls
        self._source = source
        self._key = key
        self._algorithm: Algorithm = CRC32 if calls.settings.checks_crc32 else MD5
        self._sent: list[int] = []

    def run(self, parts: Sequence[Part], on_bytes: OnBytes) -> None:
        """Send the parts side by side; nothing of them is left where one cannot be."""
        options: dict[str, str] = dict(self._calls.settings.write_options)
        if self._algorithm is CRC32:
            options["ChecksumAlgorithm"] = "CRC32"
        self._id = self._call("create_multipart_upload", **options)["UploadId"]
        stop = Event()
        count = stoppable(on_bytes, stop)
        try:
            tasks = [partial(self._send, part, count) for part in parts]
            made = run_all(self._calls.workers, tasks, stop)
            done = self._complete(made)
        except BaseException:
            with suppress(Exception):
                # What was sent so far would be kept, unseen and paid for.
                self._call("abort_multipart_upload", UploadId=self._id)
            raise
        self._verify(done, [digest for digest, _ in made])

    def _complete(self, made: Sequence[tuple[bytes, dict[str, Any]]]) -> Any:
        parts = {"Parts": [each for _, each in made]}
        try:
            return self._call("complete_multipart_upload", UploadId=self._id, MultipartUpload=parts)
        except StorageError:
            # Its answer may have been lost: then the object is there, and the upload is not.
            ours = self._algorithm.combine([digest for digest, _ in made])
            with suppress(StorageError):
                head = self._call(
                    "head_object", ChecksumMode="ENABLED", **self._calls.settings.read_options
                )
                if ours in (head.get("ChecksumCRC32"), read_version(head)):
                    return head
            raise

    def _send(self, part: Part, on_bytes: OnBytes) -> tuple[bytes, dict[str, Any]]:
        """One part; gives its sum, and what completing the upload wants to know of it."""
        on_bytes(0)
        data = _read_part(self._source, part)
        digest = self._algorithm.sum_of(data)
        is_crc32 = self._algorithm is CRC32
        send = partial(
            self._call,
            "upload_part",
            UploadId=self._id,
            PartNumber=part.number,
            Body=data,
            **{"ChecksumCRC32" if is_crc32 else "ContentMD5": encode(digest)},
            **self._calls.settings.read_options,
        )
        answer = send_part(send, lambda: len(self._sent))
        told = {"PartNumber": part.number, "ETag": answer["ETag"]}
        if is_crc32 and "ChecksumCRC32" in answer:
            told["ChecksumCRC32"] = answer["ChecksumCRC32"]
        elif is_crc32 and read_version(answer) != MD5.sum_of(data).hex():
            # An older server, which checked nothing: its etag is all that says what arrived.
            raise corrupted(self._calls.where(self._key), "the store has another MD5 of a part")
        self._sent.append(part.number)
        on_bytes(len(data))
        return digest, told

    def _verify(self, done: Any, digests: Sequence[bytes]) -> None:
        ours = self._algorithm.combine(digests)
        if self._algorithm is CRC32:
            theirs = str(done.get("ChecksumCRC32", ""))
            is_known = theirs.endswith(f"-{len(digests)}")
        else:
            theirs = read_version(done)
            is_known = self._calls.settings.has_md5_of_parts and count_parts(theirs) > 0
        if is_known and ours != theirs:
            raise corrupted(self._calls.where(self._key), "the store made other bytes of the parts")

    def _call(self, operation: str, **options: object) -> Any:
        return self._calls.call(operation, self._key, **options)


def _read_part(source: Path, part: Part) -> bytes:
    with source.open("rb") as file:
        file.seek(part.start)
        data = file.read(part.size_bytes)
    if len(data) != part.size_bytes:
        raise failed(str(source), "it became shorter while it was sent")
    return data
