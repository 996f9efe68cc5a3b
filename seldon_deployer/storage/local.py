"""Folders of this machine as a store."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seldon_deployer.storage.failures import changed, denied, failed, missing_file
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.parts import WRITE_BYTES
from seldon_deployer.storage.store import Environment, OnBytes, StoredFile


def open_bucket(location: Location, environment: Environment | None) -> LocalBucket:
    """The whole file system: the keys of an address of this machine begin at its root."""
    del location, environment
    return LocalBucket(Path("/"), "")


class LocalBucket:
    """One folder, whose files are keys. See `storage.store.Bucket`.

    address: what stands before a key in messages.
    """

    def __init__(self, root: Path, address: str) -> None:
        self._root = root
        self._address = address

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The files whose key begins with `prefix`; links are followed."""
        folder, _, start = prefix.rpartition("/")
        base = self._root / folder
        with self._translated(prefix):
            if base.is_dir():
                yield from self._walk(base, f"{folder}/" if folder else "", start, ())

    def read(self, key: str, limit_bytes: int) -> bytes:
        """The first bytes of a file."""
        with self._translated(key), (self._root / key).open("rb") as file:
            return file.read(max(limit_bytes, 0))

    def fetch(self, file: StoredFile, target: Path, on_bytes: OnBytes) -> None:
        """Copy a file to `target`."""
        source = self._root / file.path
        with self._translated(file.path):
            _copy(source, target, on_bytes)
            if _version(source.stat()) != file.version:
                raise changed(self._where(file.path))

    def send(self, source: Path, key: str, on_bytes: OnBytes) -> None:
        """Copy a local file to `key`, which appears whole."""
        target = self._root / key
        with self._translated(key):
            target.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=target.parent, prefix=".seldon-deployer-")
            os.close(number)
            part = Path(name)
            try:
                _copy(source, part, on_bytes)
                part.chmod(source.stat().st_mode & 0o777)
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def matches(self, file: StoredFile, source: Path) -> bool:
        """Whether two files of this machine have the same bytes."""
        if not source.is_file():
            return False
        with self._translated(file.path):
            return filecmp.cmp(self._root / file.path, source, shallow=False)

    def _walk(
        self, folder: Path, prefix: str, start: str, above: tuple[str, ...]
    ) -> Iterator[StoredFile]:
        """The files below a folder whose names begin with `start`, in the order of their keys."""
        real = os.path.realpath(folder)
        if real in above:
            # A link to a folder that it is in.
            return
        with os.scandir(folder) as entries:
            found = [(entry, entry.is_dir()) for entry in entries if entry.name.startswith(start)]
        found.sort(key=lambda each: os.fsencode(each[0].name + "/" * each[1]))
        for entry, is_folder in found:
            if is_folder:
                yield from self._walk(Path(entry), f"{prefix}{entry.name}/", "", (*above, real))
            elif entry.is_file():
                stat = entry.stat()
                yield StoredFile(prefix + entry.name, stat.st_size, _version(stat))

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        where = self._where(key)
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing_file(where) from error
        except PermissionError as error:
            raise denied(where, "permission denied") from error
        except OSError as error:
            raise failed(where, error.strerror or type(error).__name__) from error

    def _where(self, key: str) -> str:
        return f"{self._address}/{key}"


def _version(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _copy(source: Path, target: Path, on_bytes: OnBytes) -> None:
    """Copy in steps that can be counted and stopped."""
    with source.open("rb") as one, target.open("wb") as other:
        while data := one.read(WRITE_BYTES):
            other.write(data)
            on_bytes(len(data))
