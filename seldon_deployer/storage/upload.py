"""From a folder to a store, so that no reader takes a half folder for a whole one.

Stores have no folders, and so no moment in which one appears. What says that an upload is whole is
a list of its files, `<folder>.complete.json`: written last, beside the folder (whatever is inside
would be served), with the version that each file has in the store. A folder is whole while exactly
these files are in it in these versions: an upload that was cut, or a file that was replaced later,
makes it incomplete, and the next upload completes it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

from seldon_deployer.errors import StorageError, StorageMissing
from seldon_deployer.storage.failures import failed
from seldon_deployer.storage.local import LocalBucket
from seldon_deployer.storage.parts import run_all, stoppable
from seldon_deployer.storage.paths import check_paths, without_folders
from seldon_deployer.storage.progress import Progress, Total
from seldon_deployer.storage.store import Bucket, StoredFile

_FILES_AT_ONCE = 4
_LIST_SUFFIX = ".complete.json"
_MOST_LIST_BYTES = 64 << 20


def upload(bucket: Bucket, prefix: str, folder: Path, where: str, progress: Progress) -> None:
    """Send a folder's files to keys below `prefix`, and then the list of them.

    Files that are there already with the same bytes are not sent again. Raises StorageError,
    before anything is sent where the address holds other files.
    """
    sources = _find_sources(folder)
    stored = _list_files(bucket, prefix)
    _check_free(sources, stored, where)
    stop = Event()
    with ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="upload") as pool:

        def is_there(path: str) -> bool:
            return path in stored and bucket.matches(stored[path], sources[path])

        paths = list(sources)
        known = dict(
            zip(
                paths, run_all(pool, [partial(is_there, each) for each in paths], stop), strict=True
            )
        )
        if all(known.values()) and is_whole(bucket, prefix):
            return
        sizes = {path: source.stat().st_size for path, source in sources.items()}
        total = Total(progress, sum(sizes.values()))
        total.add(sum(size for path, size in sizes.items() if known[path]))
        count = stoppable(total.add, stop)
        wanted = sorted((path for path in paths if not known[path]), key=lambda each: -sizes[each])
        run_all(
            pool,
            [partial(bucket.send, sources[path], prefix + path, count) for path in wanted],
            stop,
        )
    _write_list(bucket, prefix, sizes, where)


def is_whole(bucket: Bucket, prefix: str) -> bool:
    """Whether an upload to this prefix ended, and its files are still those that it sent."""
    try:
        text = bucket.read(list_key(prefix), _MOST_LIST_BYTES)
    except StorageMissing:
        return False
    try:
        listed = json.loads(text)
    except ValueError:
        return False
    stored = _list_files(bucket, prefix)
    return bool(listed == {path: file.version for path, file in stored.items()})


def list_key(prefix: str) -> str:
    """The key of the list for the files below `prefix`."""
    return prefix.rstrip("/") + _LIST_SUFFIX


def _find_sources(folder: Path) -> dict[str, Path]:
    # By the same rules as a folder of this machine is read: links are followed, circles are not.
    found = list(LocalBucket(folder, str(folder)).list(""))
    if not found:
        raise StorageError(
            f"there is nothing to upload in {folder}",
            why="it holds no file" if folder.is_dir() else "it is no folder",
        )
    check_paths(found, str(folder), tells_case=True)
    return {file.path: folder / file.path for file in found}


def _list_files(bucket: Bucket, prefix: str) -> dict[str, StoredFile]:
    return {
        file.path[len(prefix) :]: file
        for file in without_folders(list(bucket.list(prefix)))
        if file.path != list_key(prefix)
    }


def _check_free(sources: Mapping[str, Path], stored: Mapping[str, StoredFile], where: str) -> None:
    others = sorted(set(stored) - set(sources))
    if others:
        raise StorageError(
            f"{where} holds other files already",
            why=", ".join(others[:5]) + (", ..." if len(others) > 5 else ""),
            hint="upload to an address of its own: a server would get both",
        )


def _write_list(bucket: Bucket, prefix: str, sizes: Mapping[str, int], where: str) -> None:
    stored = _list_files(bucket, prefix)
    if {path: file.size_bytes for path, file in stored.items()} != sizes:
        raise failed(where, "it does not list what was just sent")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "complete.json"
        file.write_text(json.dumps({path: each.version for path, each in stored.items()}))
        bucket.send(file, list_key(prefix), lambda _: None)
