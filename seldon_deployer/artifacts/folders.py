"""Folders of models: what is in them, what stands for their bytes, and making one whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path

from seldon_deployer.artifacts.pickles import unreadable
from seldon_deployer.errors import ArtifactError


def list_files(folder: Path) -> list[str]:
    """The files below a folder, as relative POSIX paths, sorted."""
    if not folder.is_dir():
        raise ArtifactError(
            f"there is no artifact at {folder}",
            why="the path is not a folder" if folder.exists() else "the path does not exist",
            hint="check model_uri",
        )
    try:
        found = [
            (Path(top) / name).relative_to(folder).as_posix()
            for top, _, names in os.walk(folder, onerror=_raise)
            for name in names
        ]
    except OSError as error:
        raise unreadable(folder, error) from error
    return sorted(found)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's names and bytes; times do not matter."""
    if path.is_file():
        return _file_hash(path)
    digest = sha256()
    for name in list_files(path):
        digest.update(f"{name}\0{_file_hash(path / name)}\n".encode())
    return digest.hexdigest()


def make_once(target: Path, build: Callable[[Path], None], *, what: str) -> None:
    """Make a folder by filling a draft; it appears whole or not at all.

    Of several that make it at once, one wins and all are content. what: the model, for errors.
    Raises ArtifactError; what `build` raises passes, and leaves nothing behind.
    """
    if target.is_dir():
        return
    try:
        target.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    except OSError as error:
        raise ArtifactError(
            f"the converted model cannot be written beside {what}",
            why=error.strerror or type(error).__name__,
            hint="make the folder above the artifact writable, or save the model as its server "
            "wants it",
        ) from error
    try:
        build(draft)
        draft.chmod(0o755)  # drafts are private; an artifact is read by its servers
        draft.rename(target)
    except OSError as error:
        if not target.is_dir():
            raise unreadable(Path(what), error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            target.parent.rmdir()  # goes only where nothing was made


def read_head(path: Path, limit_bytes: int) -> bytes:
    """The first bytes of a file; raises ArtifactError."""
    try:
        with path.open("rb") as file:
            return file.read(limit_bytes)
    except OSError as error:
        raise unreadable(path, error) from error


def _file_hash(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(file, error) from error


def _raise(error: OSError) -> None:
    raise error
