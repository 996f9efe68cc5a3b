"""From a store to a folder: several files at once, each there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.parts import run_all, stoppable
from seldon_deployer.storage.paths import check_paths
from seldon_deployer.storage.progress import Progress, Total
from seldon_deployer.storage.staging import open_staging, tells_case
from seldon_deployer.storage.store import Bucket, OnBytes, StoredFile

_FILES_AT_ONCE = 4


def download(
    bucket: Bucket, files: Mapping[str, StoredFile], folder: Path, where: str, progress: Progress
) -> None:
    """Bring files into a folder, by their paths in it; what is there already is not fetched.

    files: path below `folder` -> the stored file, whose `path` is its key. After an error the files
    that arrived whole stay, so that a second call fetches the others; nothing else does. Raises
    StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            open_staging(folder) as staging,
            ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="download") as pool,
        ):
            by_path = [
                StoredFile(path, file.size_bytes, file.version) for path, file in files.items()
            ]
            check_paths(by_path, where, tells_case=tells_case(staging))
            _Download(bucket, files, folder, staging, pool).run(progress)
    except OSError as error:
        raise StorageError(
            f"{where} cannot be written to {folder}",
            why=error.strerror or type(error).__name__,
            hint="check that the folder may be written, and that the disk has room",
        ) from error


class _Download:
    def __init__(
        self,
        bucket: Bucket,
        files: Mapping[str, StoredFile],
        folder: Path,
        staging: Path,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._bucket = bucket
        self._files = files
        self._folder = folder
        self._staging = staging
        self._pool = pool
        self._stop = Event()

    def run(self, progress: Progress) -> None:
        paths = list(self._files)
        tasks = [partial(self._is_there, path) for path in paths]
        is_there = dict(zip(paths, run_all(self._pool, tasks, self._stop), strict=True))
        wanted = [path for path in paths if not is_there[path]]
        self._check_room(wanted)
        total = Total(progress, sum(file.size_bytes for file in self._files.values()))
        total.add(sum(self._files[path].size_bytes for path in paths if is_there[path]))
        # The largest first: what is last should be short.
        wanted.sort(key=lambda path: -self._files[path].size_bytes)
        count = stoppable(total.add, self._stop)
        run_all(
            self._pool,
            [partial(self._fetch, number, path, count) for number, path in enumerate(wanted)],
            self._stop,
        )

    def _is_there(self, path: str) -> bool:
        target, file = self._folder / path, self._files[path]
        if target.is_symlink() or not target.is_file():
            return False
        return target.stat().st_size == file.size_bytes and self._bucket.matches(file, target)

    def _check_room(self, wanted: Sequence[str]) -> None:
        needed = sum(self._files[path].size_bytes for path in wanted)
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise StorageError(
                f"the disk of {self._folder} has no room",
                why=f"{needed} bytes are to come and {free} are free",
                hint="free some, or take another folder",
            )

    def _fetch(self, number: int, path: str, count: OnBytes) -> None:
        arriving = self._staging / str(number)
        self._bucket.fetch(self._files[path], arriving, count)
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(self._folder.resolve()):
            raise StorageError(
                f"{path} would be written outside of {self._folder}",
                why="a link in the folder leads there",
                hint="remove the link, or take an empty folder",
            )
        os.replace(arriving, target)  # noqa: PTH105
