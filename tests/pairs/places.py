"""Where an artifact can lie, each with what a configuration says of it and who may read it.

What a test puts there and looks at goes by the store's own library, or by the file system.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from storage.clouds.azure_server import Azure
from storage.clouds.gcs_server import Google
from storage.clouds.stores import AzureStore, GoogleStore
from storage.s3_server import S3Server

from seldon_deployer.deployer import StorageCredentials
from seldon_deployer.secrets import parse_credentials

Files = dict[str, bytes]

# Volumes are seen by pods alone, by an address or where a configuration mounts them.
VOLUMES = ("pvc", "mount")
STORES = ("path", "s3", "gs", "azureblob", *VOLUMES)
BUCKET = "pairs"
CLAIM = "models"
MOUNT_PATH = "/mnt/claim"


class Place(Protocol):
    """A store, seen by who puts artifacts there and by who has them served."""

    credentials: StorageCredentials | None

    def put(self, name: str, folder: Path) -> None:
        """Put an artifact there."""

    def fields(self, name: str) -> Mapping[str, Any]:
        """What a configuration says to have it served."""

    def files(self, prefix: str) -> Files:
        """What really lies below a prefix, by path from there."""

    def prefix(self, uri: str) -> str:
        """The prefix that an address of a manifest leads to."""


class Folder:
    """A folder of this machine; as a claim, what is behind the claim."""

    credentials = None

    def __init__(self, root: Path, kind: str = "path") -> None:
        self.root = root
        self.kind = kind

    def put(self, name: str, folder: Path) -> None:
        shutil.copytree(folder, self.root / name)

    def fields(self, name: str) -> Mapping[str, Any]:
        if self.kind == "path":
            return {"model_uri": str(self.root / name)}
        if self.kind == "pvc":
            return {"model_uri": f"pvc://{CLAIM}/{name}"}
        source = {"persistentVolumeClaim": {"claimName": CLAIM}}
        return {
            "model_uri": f"{MOUNT_PATH}/{name}",
            "volumes": [{"name": "claim", **source}],
            "volume_mounts": [{"name": "claim", "mountPath": MOUNT_PATH, "readOnly": True}],
        }

    def files(self, prefix: str) -> Files:
        top = self.root / prefix
        found = (path for path in top.rglob("*") if path.is_file())
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in found}

    def prefix(self, uri: str) -> str:
        whole = uri.removeprefix("file://").removeprefix(f"pvc://{CLAIM}/")
        return whole.removeprefix(f"{self.root}/")


class Bucket:
    """A bucket of one's own in S3, and a Secret with its owner's key."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self.credentials = _credentials("seldon_s3", server.keys())

    def put(self, name: str, folder: Path) -> None:
        files = Folder(folder).files("")
        self.server.put(BUCKET, {f"{name}/{path}": data for path, data in files.items()})

    def fields(self, name: str) -> Mapping[str, Any]:
        return {"model_uri": f"s3://{BUCKET}/{name}"}

    def files(self, prefix: str) -> Files:
        client, top = self.server.client(), f"{prefix}/"
        return {
            key.removeprefix(top): client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for key in self.server.keys_in(BUCKET, top)
        }

    def prefix(self, uri: str) -> str:
        return uri.removeprefix(f"s3://{BUCKET}/")


class Cloud:
    """A bucket at Google or a container at Azure, and a Secret of an account there."""

    def __init__(
        self, store: GoogleStore | AzureStore, schema: str, keys: Mapping[str, Any]
    ) -> None:
        self.store = store
        self.top = f"{store.remote}://{store.bucket}"
        self.credentials = _credentials(schema, keys)

    def put(self, name: str, folder: Path) -> None:
        for path, data in Folder(folder).files("").items():
            self.store.put(f"{name}/{path}", data)

    def fields(self, name: str) -> Mapping[str, Any]:
        return {"model_uri": f"{self.top}/{name}"}

    def files(self, prefix: str) -> Files:
        top = f"{prefix}/"
        found = self.store.keys()
        return {key.removeprefix(top): data for key, data in found.items() if key.startswith(top)}

    def prefix(self, uri: str) -> str:
        return uri.removeprefix(f"{self.top}/")


def in_google(google: Google) -> Cloud:
    """A bucket at Google, read with the key of a service account."""
    keys = {"rclone_config_gs_service_account_credentials": google.account}
    return Cloud(GoogleStore(google, BUCKET), "seldon_gs", keys)


def in_azure(azure: Azure) -> Cloud:
    """A container at Azure, read with the key of its account."""
    keys = {
        "rclone_config_azureblob_account": azure.account,
        "rclone_config_azureblob_key": azure.key,
    }
    return Cloud(AzureStore(azure, BUCKET), "seldon_az", keys)


def _credentials(schema: str, keys: Mapping[str, Any]) -> StorageCredentials:
    name = schema.replace("_", "-")
    return StorageCredentials(name, parse_credentials(schema, keys))
