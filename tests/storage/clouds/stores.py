"""What the tests of both stores need of one: its address, a Secret, and a hand that puts files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import uuid4

from azure.storage.blob import BlobServiceClient
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from pydantic import SecretStr
from storage.clouds.azure_server import Azure
from storage.clouds.gcs_server import Google

from seldon_deployer.secrets import parse_credentials
from seldon_deployer.storage.location import parse_location
from seldon_deployer.storage.store import Bucket


class Store(Protocol):
    """One bucket of its own, put into by the store's own library with other credentials."""

    remote: str
    bucket: str
    environment: Mapping[str, SecretStr]

    def put(self, key: str, data: bytes) -> None: ...
    def remove(self, key: str) -> None: ...
    def keys(self) -> dict[str, bytes]: ...
    def open(self, bucket: str = "") -> Bucket: ...


class GoogleStore:
    remote = "gs"

    def __init__(self, google: Google, name: str = "") -> None:
        # As the door lets through: with a token of the account.
        self.client = storage.Client(
            project="models", credentials=_Token(google.access_token), client_options={}
        )
        self.bucket = name or f"b-{uuid4().hex[:12]}"
        if not self.client.bucket(self.bucket).exists():
            self.client.create_bucket(self.bucket)
        values = {"rclone_config_gs_service_account_credentials": google.account}
        self.environment = parse_credentials("seldon_gs", values).environment()

    def put(self, key: str, data: bytes) -> None:
        self.client.bucket(self.bucket).blob(key).upload_from_string(data)

    def remove(self, key: str) -> None:
        self.client.bucket(self.bucket).blob(key).delete()

    def keys(self) -> dict[str, bytes]:
        return {each.name: each.download_as_bytes() for each in self.client.list_blobs(self.bucket)}

    def open(self, bucket: str = "") -> Bucket:
        from seldon_deployer.storage.gcs import open_bucket

        return open_bucket(parse_location(f"gs://{bucket or self.bucket}"), self.environment)


class AzureStore:
    remote = "azureblob"

    def __init__(self, azure: Azure, name: str = "", **options: Any) -> None:
        self.client = BlobServiceClient.from_connection_string(azure.connection_string)
        self.bucket = name or f"c-{uuid4().hex[:12]}"
        container = self.client.get_container_client(self.bucket)
        if not container.exists():
            container.create_container(**options)
        values = {
            "rclone_config_azureblob_account": azure.account,
            "rclone_config_azureblob_key": azure.key,
        }
        self.environment = parse_credentials("seldon_az", values).environment()

    def put(self, key: str, data: bytes, **options: Any) -> None:
        self.client.get_blob_client(self.bucket, key).upload_blob(data, overwrite=True, **options)

    def remove(self, key: str) -> None:
        self.client.get_blob_client(self.bucket, key).delete_blob()

    def keys(self) -> dict[str, bytes]:
        container = self.client.get_container_client(self.bucket)
        return {
            name: container.download_blob(name).readall() for name in container.list_blob_names()
        }

    def open(self, bucket: str = "") -> Bucket:
        from seldon_deployer.storage.azure import open_bucket

        return open_bucket(parse_location(f"azureblob://{bucket or self.bucket}"), self.environment)


class _Token(AnonymousCredentials):
    """A token that was given already."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def before_request(self, request: Any, method: str, url: str, headers: Any) -> None:
        headers["Authorization"] = f"Bearer {self.text}"


def random_bytes(size_bytes: int) -> bytes:
    """Bytes that no two parts of which are the same."""
    return os.urandom(size_bytes)
