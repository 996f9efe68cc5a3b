"""Where artifacts lie: S3, Google Cloud Storage, Azure Blob, volumes, this machine.

A store's client is loaded with the first address that needs it.
"""

from __future__ import annotations

from importlib import import_module

from seldon_deployer.storage.folder import RemoteFolder
from seldon_deployer.storage.location import Kind, Location, parse_location
from seldon_deployer.storage.progress import Progress, show_progress
from seldon_deployer.storage.store import Bucket, Environment, StoredFile

__all__ = [
    "Environment",
    "Location",
    "Progress",
    "RemoteFolder",
    "StoredFile",
    "open_folder",
    "parse_location",
    "show_progress",
]

_MODULES: dict[Kind, str] = {
    "s3": "s3",
    "gs": "gcs",
    "azureblob": "azure",
    "pvc": "volume",
    "file": "local",
}


def open_folder(uri: str, environment: Environment | None = None) -> RemoteFolder:
    """The artifact at an address; calls nothing yet.

    environment: the RCLONE_CONFIG_* of a Secret, and then nothing but them; None: this machine's
    own credentials, as the store's own tools find them. Raises ConfigError for an address or
    settings that cannot be, and where the store's client is not installed.
    """
    location = parse_location(uri, environment)
    module = import_module(f"{__name__}.{_MODULES[location.kind]}")
    bucket: Bucket = module.open_bucket(location, environment)
    return RemoteFolder(uri, location, bucket)
