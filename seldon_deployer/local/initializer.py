"""The model initializer: what the storage initializer's image does, `rclone copy URI FOLDER`.

Its settings are the RCLONE_CONFIG_* of its environment, its exit codes are rclone's: 3 where a
bucket or folder is not there, 1 for all else, and 0 also where nothing was to copy. Where no Secret
gives it settings, a pod on a cluster has the identity of its service account; here it has this
machine's own, as the stores' own tools find it, or else none, which public buckets take.
Source: Seldon Core 1.17.1 with rclone 1.59, observed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seldon_deployer.errors import (
    SeldonDeployerError,
    StorageDenied,
    StorageError,
    StorageMissing,
)

if TYPE_CHECKING:
    from seldon_deployer.storage import Environment

# What the image itself has in its environment.
BAKED_IN = {
    "RCLONE_CONFIG_GS_TYPE": "google cloud storage",
    "RCLONE_CONFIG_GS_ANONYMOUS": "true",
}
_PREFIX = "RCLONE_CONFIG_"
_OWN = "no Secret was given: the model is read with this machine's own credentials"
_OWN_HINT = (
    ". No Secret was given, and so the credentials were tried that this machine had when the "
    "runtime was started: give the deployment a Secret, or start the runtime again where they are "
    "(seldon-deployer local stop, then start)"
)


class DownloadFailed(Exception):
    """The model was not fetched: rclone's exit code and words, and what to do."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def is_on_this_machine(uri: str) -> bool:
    """Whether a model is copied from this machine, with no store's client and no credentials."""
    remote, separator, _ = uri.partition(":")
    return not separator or "/" in remote or remote.lower() == "file"


def has_settings(environment: Mapping[str, str]) -> bool:
    """Whether a Secret, or the pod itself, says how to reach a store."""
    return any(
        name.startswith(_PREFIX) and BAKED_IN.get(name) != value
        for name, value in environment.items()
    )


def fetch_model(uri: str, target: Path, environment: Mapping[str, str]) -> str:
    """Copy the contents of a folder (or one file) into `target`; returns what to log.

    environment: has the settings of the address's remote, or no settings at all: then this
    machine's own identity is used. Raises DownloadFailed.
    """
    # Loaded with the first model: the process that keeps the pods needs none of it.
    from seldon_deployer.storage import open_folder
    from seldon_deployer.storage.search import NothingThere

    settings = _settings(uri, environment)
    try:
        folder = open_folder(uri, settings)
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
        is_own = settings is None and isinstance(error, StorageDenied)
        raise DownloadFailed(1, f"Failed to copy: {error}{_OWN_HINT * is_own}") from error
    except SeldonDeployerError as error:
        raise DownloadFailed(1, f'Failed to create file system for "{uri}": {error}') from error
    size_bytes = sum(file.size_bytes for file in files)
    told = f"copied {len(files)} files, {size_bytes} bytes, from {uri}"
    return told if settings is not None else f"{_OWN}\n{told}"


def main() -> None:
    """Fetch the first argument into the second, as a container's process."""
    try:
        uri, target = sys.argv[1:]
        # A process's log is what it prints.
        print(fetch_model(uri, Path(target), os.environ))  # noqa: T201
    except DownloadFailed as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


def _settings(uri: str, environment: Mapping[str, str]) -> Environment | None:
    """rclone's settings, {} for a path of this machine; None where its own identity counts."""
    if is_on_this_machine(uri):
        return {}
    if not has_settings(environment):
        return None
    from pydantic import SecretStr

    remote = uri.partition(":")[0]
    given = BAKED_IN | dict(environment)
    key = f"{_PREFIX}{remote}_TYPE".upper()
    if key not in given:
        raise DownloadFailed(
            1,
            f'Failed to create file system for "{uri}": didn\'t find section in config file. '
            f"Give the deployment a Secret that has {key} and the credentials "
            "(seldon-deployer secret apply).",
        )
    return {name: SecretStr(value) for name, value in given.items() if name.startswith(_PREFIX)}


if __name__ == "__main__":
    main()
