"""Which keys of a store can be files of a folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.store import StoredFile

_MOST_BYTES = 255


def without_folders(files: Sequence[StoredFile]) -> list[StoredFile]:
    """The files without the empty objects by which consoles and Azure remember folders."""
    folders = {folder for file in files for folder in _folders(file.path)}
    return [
        file
        for file in files
        if file.size_bytes or not (file.path.endswith("/") or not file.path or file.path in folders)
    ]


def check_paths(files: Sequence[StoredFile], where: str, *, tells_case: bool) -> None:
    """Raise StorageError unless every path is a file's below a folder, and each its own.

    tells_case: whether the disk tells `a` from `A`, and an accent from a letter that has it.
    """
    problems = list(_problems(files, tells_case=tells_case))
    if problems:
        raise StorageError(
            f"{where} cannot be written to a folder",
            why="; ".join(problems[:5]) + ("; ..." if len(problems) > 5 else ""),
            hint="rename these objects in the store",
        )


def fold(path: str) -> str:
    """A path as a disk sees it that tells neither case nor the spelling of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _problems(files: Sequence[StoredFile], *, tells_case: bool) -> Iterator[str]:
    for file in files:
        for problem in _path_problems(file.path):
            yield f"{file.path!r} {problem}"
    folders = {folder for file in files for folder in _folders(file.path)}
    seen: dict[str, str] = {}
    for path in sorted({file.path for file in files} | folders):
        if path in folders and any(file.path == path for file in files):
            yield f"{path!r} is a file and a folder"
        if tells_case:
            continue
        other = seen.setdefault(fold(path), path)
        if other != path:
            yield f"{other!r} and {path!r} are one file on this disk"


def _path_problems(path: str) -> Iterator[str]:
    parts = path.split("/")
    if path.startswith("/"):
        yield "is an absolute path"
    elif "" in parts:
        yield "has an empty part"
    if "." in parts or ".." in parts:
        yield "leads out of its folder"
    if "\0" in path:
        yield "has a NUL"
    try:
        if any(len(part.encode()) > _MOST_BYTES for part in parts):
            yield "has a part that is too long for a file's name"
    except UnicodeEncodeError:
        yield "is no text"


def _folders(path: str) -> Iterator[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
