"""The stores' own servers on this machine, and the best examples of their own libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(_TESTS), str(_TESTS / "storage" / "clouds")]

BUCKET = "models"
_REGION = "eu-central-1"
# Of the emulator, and published with it.
_ACCOUNT = "devstoreaccount1"

# As boto3's guide has it ("File transfer configuration"). Its defaults, 8 MiB and 10 threads, were
# as fast here as any of 16, 25 and 64 MiB and of 4 and 16 threads.
_BOTO3 = """
import boto3
from boto3.s3.transfer import TransferConfig

client = boto3.client("s3", endpoint_url=options["ENDPOINT"], region_name=options["REGION"],
    aws_access_key_id=options["ACCESS_KEY_ID"],
    aws_secret_access_key=options["SECRET_ACCESS_KEY"])
config = TransferConfig(multipart_chunksize=8 << 20, max_concurrency=10)
def upload():
    client.upload_file(f"{path}/model.bin", "models", f"{key}/model.bin", Config=config)
def download():
    client.download_file("models", f"{key}/model.bin", f"{path}/model.bin", Config=config)
"""
# The samples "upload_file" and "download_chunks_concurrently" of Google's library. Threads were
# faster here than processes, which are its default; the server has no parallel uploads.
_GOOGLE = """
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

client = storage.Client(project="none", credentials=AnonymousCredentials(),
    client_options={"api_endpoint": options["ENDPOINT"]})
blob = client.bucket("models").blob(f"{key}/model.bin")
def upload():
    blob.upload_from_filename(f"{path}/model.bin")
def download():
    transfer_manager.download_chunks_concurrently(blob, f"{path}/model.bin",
        chunk_size=32 << 20, max_workers=8, worker_type=transfer_manager.THREAD)
"""
# Azure's "Performance tuning for uploads and downloads": larger pieces, several at once. 8 MiB in
# four threads was as fast here as in eight, and faster than its default of 4 MiB.
_AZURE = """
from azure.storage.blob import BlobClient

blob = BlobClient(options["ENDPOINT"], "models", f"{key}/model.bin",
    credential={"account_name": options["ACCOUNT"], "account_key": options["KEY"]},
    max_block_size=8 << 20, max_single_put_size=8 << 20,
    max_single_get_size=8 << 20, max_chunk_get_size=8 << 20)
def upload():
    with open(f"{path}/model.bin", "rb") as file:
        blob.upload_blob(file, overwrite=True, max_concurrency=4)
def download():
    with open(f"{path}/model.bin", "wb") as file:
        blob.download_blob(max_concurrency=4).readinto(file)
"""


@dataclass(frozen=True)
class Store:
    """A running server with an empty bucket.

    options: what a Secret says of it. example: defines `upload` and `download` by its own library.
    remove: takes what lies below a key away.
    """

    name: str
    remote: str
    library: str
    options: Mapping[str, str]
    example: str
    remove: Callable[[str], None]

    @property
    def environment(self) -> dict[str, str]:
        """The options as the initializer gets them."""
        prefix = f"RCLONE_CONFIG_{self.remote}_".upper()
        return {prefix + name: value for name, value in self.options.items()}


@contextmanager
def run_stores(folder: Path) -> Iterator[list[Store]]:
    """Run the servers that can be had here, with their data in `folder`."""
    with ExitStack() as running:
        stores = []
        for run in (_run_minio, _run_google, _run_azure):
            try:
                stores.append(running.enter_context(run(folder)))
            except pytest.skip.Exception as missing:
                print(f"left out: {missing}", file=sys.stderr)
        yield stores


@contextmanager
def _run_minio(folder: Path) -> Iterator[Store]:
    from storage.s3_server import Unavailable, run_minio

    try:
        with run_minio(folder) as server:
            server.put(BUCKET, {})
            client = server.client()

            def remove(key: str) -> None:
                client.delete_object(Bucket=BUCKET, Key=f"{key}/model.bin")
                client.delete_object(Bucket=BUCKET, Key=f"{key}.complete.json")

            prefix = "RCLONE_CONFIG_S3_"
            options = {
                name.removeprefix(prefix): value.get_secret_value()
                for name, value in server.environment().items()
            }
            yield Store("S3 (MinIO)", "s3", "boto3", options, _BOTO3, remove)
    except Unavailable as missing:
        pytest.skip(str(missing))


@contextmanager
def _run_google(folder: Path) -> Iterator[Store]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage
    from programs import find_program, free_port, run_server

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        str(find_program("gcs", ("go",))), "-host", "127.0.0.1", "-port", str(port),
        "-scheme", "http", "-backend", "filesystem", "-filesystem-root", str(folder / "google"),
        "-external-url", address, "-public-host", f"127.0.0.1:{port}",
    ]  # fmt: skip
    with run_server(command, port, folder / "google.log"):
        client = storage.Client(
            project="none",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": address},
        )
        bucket = client.create_bucket(BUCKET)

        def remove(key: str) -> None:
            for blob in list(client.list_blobs(bucket, prefix=key)):
                blob.delete()

        options = {"TYPE": "google cloud storage", "ANONYMOUS": "true", "ENDPOINT": address}
        yield Store("GCS", "gs", "google-cloud-storage", options, _GOOGLE, remove)


@contextmanager
def _run_azure(folder: Path) -> Iterator[Store]:
    from azure.storage.blob import ContainerClient
    from programs import find_program, free_port, run_server

    from seldon_deployer.secrets.connection_string import EMULATOR_KEY

    port = free_port()
    address = f"http://127.0.0.1:{port}/{_ACCOUNT}"
    command = [
        "node", str(find_program("azurite", ("node", "npm"))), "--blobHost", "127.0.0.1",
        "--blobPort", str(port), "--location", str(folder / "azure"), "--skipApiVersionCheck",
        "--disableTelemetry", "--silent",
    ]  # fmt: skip
    with run_server(command, port, folder / "azure.log", dict(os.environ)):
        credential = {"account_name": _ACCOUNT, "account_key": EMULATOR_KEY}
        container = ContainerClient(address, BUCKET, credential=credential)
        container.create_container()

        def remove(key: str) -> None:
            for name in list(container.list_blob_names(name_starts_with=key)):
                container.delete_blob(name)

        options = {
            "TYPE": "azureblob", "USE_EMULATOR": "true", "ENDPOINT": address,
            "ACCOUNT": _ACCOUNT, "KEY": EMULATOR_KEY,
        }  # fmt: skip
        yield Store("Azure", "azureblob", "azure-storage-blob", options, _AZURE, remove)
