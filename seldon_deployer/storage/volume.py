"""Persistent volume claims: read where they are mounted on this machine, and only there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from seldon_deployer.errors import StorageUnreachable
from seldon_deployer.storage.local import LocalBucket
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.store import Bucket, Environment, OnBytes, StoredFile

# A folder with one folder a claim, named like it: a mount, or a link to one.
VOLUMES = "SELDON_DEPLOYER_VOLUMES"


def open_bucket(location: Location, environment: Environment | None) -> Bucket:
    """The claim of a `pvc://` address."""
    del environment
    folder = os.environ.get(VOLUMES)
    return open_claim(location, Path(folder) if folder else None)


def open_claim(location: Location, volumes: Path | None) -> Bucket:
    """The claim of a `pvc://` address in the folder of all volumes, if there is such a folder."""
    mount = volumes / location.bucket if volumes else None
    if mount is not None and mount.is_dir():
        return LocalBucket(mount, f"pvc://{location.bucket}")
    return UnmountedVolume(location.bucket)


class UnmountedVolume:
    """A claim that only pods see: everything raises StorageUnreachable."""

    def __init__(self, claim: str) -> None:
        self._claim = claim

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Raise StorageUnreachable."""
        del prefix
        self._refuse()

    def read(self, key: str, limit_bytes: int) -> bytes:
        """Raise StorageUnreachable."""
        del key, limit_bytes
        self._refuse()

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Raise StorageUnreachable."""
        del file, target, on_bytes
        self._refuse()

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Raise StorageUnreachable."""
        del source, key, on_bytes
        self._refuse()

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Raise StorageUnreachable."""
        del file, source
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StorageUnreachable(
            f"the volume pvc://{self._claim} cannot be read from this machine",
            why="it is mounted into pods of its namespace, and not here",
            hint=f"where it is mounted here too: make {VOLUMES} a folder in which "
            f"{self._claim} is the mount, or a link to it",
        )
