"""The model initializer: what the storage initializer's image does, for files of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit


class DownloadFailed(Exception):
    """The model was not fetched: rclone's exit code and words, and what to do."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def fetch_model(uri: str, target: Path) -> str:
    """Copy the contents of a local folder (or one file) into `target`; returns a line to log.

    `uri` is a plain path or `file://`. Raises DownloadFailed.
    """
    source = local_path(uri)
    if source is None:
        scheme = uri.partition(":")[0]
        raise DownloadFailed(
            1,
            f'Failed to create file system for "{uri}": the embedded runtime fetches models from '
            f"this machine only, not from {scheme}. Copy the model to a local folder and use its "
            "path, or deploy to a cluster.",
        )
    if not source.exists():
        raise DownloadFailed(3, f"Failed to copy: directory not found: {source}")
    target.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    except (OSError, shutil.Error) as error:
        raise DownloadFailed(1, f"Failed to copy {source}: {error}") from error
    files = [path for path in target.rglob("*") if path.is_file()]
    size_bytes = sum(path.stat().st_size for path in files)
    return f"copied {len(files)} files, {size_bytes} bytes, from {source}"


def local_path(uri: str) -> Path | None:
    """The path that a URI names on this machine; None for any other store."""
    if uri.startswith("/"):
        return Path(uri)
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return None
