"""What every store can do, and the values that go in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    # Loading it takes longer than copying a model, and only who has secrets needs it.
    from pydantic import SecretStr

# What rclone reads from the environment, as a Secret of ours holds it: RCLONE_CONFIG_S3_TYPE ...
Environment: TypeAlias = "Mapping[str, SecretStr]"
# Gets the bytes of each part as it arrives.
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file below an artifact's address.

    path: relative to that address, with slashes; the file's own name where the address is a file.
    version: changes whenever the bytes do: an etag, or size and time where a store has none.
    """

    path: str
    size_bytes: int
    version: str


class Bucket(Protocol):
    """The door to one store: a client, opened at one bucket (Azure: container).

    Each store's module has `open_bucket(location, environment) -> Bucket`, which calls nothing yet;
    environment None: this machine's own credentials. Keys are whole, without a leading slash. Every
    method raises StorageMissing, StorageDenied, StorageUnreachable or StorageError in the words of
    `storage/failures.py`, the client's own exception chained; none of them holds a credential's
    value. A link that breaks is retried here; a store that never answers fails within seconds.
    The methods are called from several threads at once.
    """

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`, `path` being the whole key; pages are hidden.

        In the order of the keys' UTF-8 bytes. A missing bucket raises StorageMissing; a prefix that
        nothing has gives nothing.
        """
        ...

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file, at most `limit_bytes` of them."""
        ...

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Write the file whose key is `file.path` to `target`, in parallel parts where it is large.

        The bytes are verified: length, and the store's checksum where it tells one. A file that is
        no longer `file.version` is an error, never a mix of both. After an error `target` may be
        there in part: who calls removes it.
        """
        ...

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Write a local file to `key`, in parallel parts where it is large, with a checksum.

        The key is there whole or not at all.
        """
        ...

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether a local file has the bytes of the stored file whose key is `file.path`.

        Judged by length and a checksum that the store tells; False where it tells none. What
        matches is neither fetched nor sent again.
        """
        ...
