"""One bucket's client, with the calls that sending and fetching share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from seldon_deployer.storage.s3_client import S3Settings
from seldon_deployer.storage.store import StoredFile

# Parts that are under way at once, over all files.
_WORKERS = 8


class S3Calls:
    """Calls S3, and raises what it answers as our errors."""

    def __init__(self, bucket: str, settings: S3Settings) -> None:
        self.bucket = bucket
        self.settings = settings
        self.client = settings.open_client()
        self.workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="s3")

    def call(self, operation: str, key: str, **options: object) -> Any:
        """One operation on one key, by boto3's names."""
        with self.translated(key):
            return getattr(self.client, operation)(Bucket=self.bucket, Key=key, **options)

    def head(self, file: StoredFile, **options: object) -> Any:
        """What the store tells of a file."""
        return self.call("head_object", file.path, **options, **self.settings.read_options)

    def translated(self, key: str) -> AbstractContextManager[None]:
        """Raise what happens inside as our errors about a key."""
        # boto3 is loaded with the client, not with this module.
        from seldon_deployer.storage.s3_failures import translate

        return translate(self.where(key), self.client, self.settings)

    def where(self, key: str) -> str:
        """The address of a key, for messages."""
        return f"{self.settings.remote}://{self.bucket}/{key}"


def read_version(answer: Any) -> str:
    """The etag; size and time where a store has none."""
    etag = str(answer.get("ETag", "")).strip('"')
    return etag or f"{answer.get('Size', 0)}@{answer.get('LastModified', '')}"


def is_etag(version: str) -> bool:
    """Whether a version can be asked for by If-Match."""
    return "@" not in version
