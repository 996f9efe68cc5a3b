"""The model initializer: what the storage initializer's image does, `rclone copy URI FOLDER`.

Its settings are the RCLONE_CONFIG_* of its environment, its exit codes are rclone's: 3 where a
bucket or folder is not there, 1 for all else, and 0 also where nothing was to copy.
Source: Seldon Core 1.17.1 with rclone 1.59, observed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seldon_deployer.errors import SeldonDeployerError, StorageError, StorageMissing

if TYPE_CHECKING:
    from seldon_deployer.storage import Environment

# What the image itself has in its environment.
BAKED_IN = {
    "RCLONE_CONFIG_GS_TYPE": "google cloud storage",
    "RCLONE_CONFIG_GS_ANONYMOUS": "true",
}
_PREFIX = "RCLONE_CONFIG_"


class DownloadFailed(Exception):
    """The model was not fetched: rclone's exit code and words, and what to do."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def is_on_this_machine(uri: str) -> bool:
    """Whether a model is copied from this machine, with no store's client and no credentials."""
    remote, separator, _ = uri.partition(":")
    return not separator or "/" in remote or remote.lower() == "file"


def fetch_model(uri: str, target: Path, environment: Mapping[str, str]) -> str:
    """Copy the contents of a folder (or one file) into `target`; returns a line to log.

    environment: has the settings of the address's remote. Raises DownloadFailed.
    """
    # Loaded with the first model: the process that keeps the pods needs none of it.
    from seldon_deployer.storage import open_folder
    from seldon_deployer.storage.search import NothingThere

    try:
        folder = open_folder(uri, _settings(uri, environment))
        if folder.location.kind == "file" and not Path(folder.location.path).exists():
            raise DownloadFailed(3, f"Failed to copy: directory not found: {folder.location.path}")
        files = folder.download(target)
    except NothingThere as error:
        # So rclone ends too, and the server fails for it. Why, this line knows best.
        return f"There was nothing to transfer: {error}"
    except StorageMissing as error:
        words = "error reading source root directory: directory not found"
        raise DownloadFailed(3, f"Failed to copy: {words}: {error}") from error
    except StorageError as error:
        raise DownloadFailed(1, f"Failed to copy: {error}") from error
    except SeldonDeployerError as error:
        raise DownloadFailed(1, f'Failed to create file system for "{uri}": {error}') from error
    size_bytes = sum(file.size_bytes for file in files)
    return f"copied {len(files)} files, {size_bytes} bytes, from {uri}"


def main() -> None:
    """Fetch the first argument into the second, as a container's process."""
    try:
        uri, target = sys.argv[1:]
        # A process's log is what it prints.
        print(fetch_model(uri, Path(target), BAKED_IN | dict(os.environ)))  # noqa: T201
    except DownloadFailed as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


def _settings(uri: str, environment: Mapping[str, str]) -> Environment:
    """rclone's settings; none for a path of this machine. Raises DownloadFailed."""
    if is_on_this_machine(uri):
        return {}
    from pydantic import SecretStr

    remote = uri.partition(":")[0]
    key = f"{_PREFIX}{remote}_TYPE".upper()
    if key not in environment:
        raise DownloadFailed(
            1,
            f'Failed to create file system for "{uri}": didn\'t find section in config file. '
            f"Give the deployment a Secret that has {key} and the credentials "
            "(seldon-deployer secret apply).",
        )
    return {
        name: SecretStr(value) for name, value in environment.items() if name.startswith(_PREFIX)
    }


if __name__ == "__main__":
    main()
