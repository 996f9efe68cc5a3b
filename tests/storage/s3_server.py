"""Real S3 servers on loopback: moto, which is a Python package, and MinIO, which Go builds once.

moto lets everybody in; MinIO checks signatures, tokens and rights, and has ranges and checksums as
AWS has them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ending import end
from pydantic import SecretStr

_HERE = Path(__file__).parent
_REQUIRE = "SELDON_DEPLOYER_REQUIRE_STORES"
_START_SECONDS = 60
REGION = "eu-central-1"
# Before any test changed it: what is built is built with this machine's own home and proxies.
_ENVIRONMENT = dict(os.environ)


@dataclass(frozen=True)
class S3Server:
    """A running server, and the key of its owner."""

    name: str
    endpoint: str
    key_id: str
    secret: str

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.endpoint.removeprefix("http://").partition(":")
        return host, int(port)

    def keys(self, endpoint: str = "") -> dict[str, str]:
        """The credentials as a user writes them down."""
        return {
            "rclone_config_s3_provider": "Minio",
            "rclone_config_s3_access_key_id": self.key_id,
            "rclone_config_s3_secret_access_key": self.secret,
            "rclone_config_s3_region": REGION,
            "rclone_config_s3_endpoint": endpoint or self.endpoint,
        }

    def environment(self, endpoint: str = "", **others: str) -> dict[str, SecretStr]:
        """What the initializer gets; `others` are options of rclone by their names."""
        values = {key.upper(): value for key, value in self.keys(endpoint).items()}
        values["RCLONE_CONFIG_S3_TYPE"] = "s3"
        values |= {f"RCLONE_CONFIG_S3_{key}".upper(): value for key, value in others.items()}
        return {key: SecretStr(value) for key, value in values.items()}

    def client(self, service: str = "s3", **options: Any) -> Any:
        """boto3, with the owner's key: what a test prepares and looks at goes by another way."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            region_name=REGION,
            **options,
        )

    def put(self, bucket: str, objects: Mapping[str, bytes]) -> None:
        """Make a bucket where there is none, and objects in it."""
        client = self.client()
        if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
            where = {"LocationConstraint": REGION}
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        for key, body in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=body)

    def keys_in(self, bucket: str, prefix: str = "") -> list[str]:
        """What a bucket really holds."""
        answer = self.client().list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for each in answer.get("Contents", [])]


class Unavailable(Exception):
    """The server cannot be had here; says why."""


def is_required() -> bool:
    """Whether a missing MinIO is a failure, as in CI."""
    return os.environ.get(_REQUIRE, "") not in ("", "0")


@contextmanager
def run_moto(folder: Path) -> Iterator[S3Server]:
    """moto's server, with its log in `folder`."""
    # The module runs in every environment; the command may lie in another folder than Python.
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with _running(command, folder / "moto.log", {}) as endpoint:
        yield S3Server("moto", endpoint, "AKIAMOTO", "moto-secret")


@contextmanager
def run_minio(folder: Path) -> Iterator[S3Server]:
    """MinIO with its data in `folder`. Raises Unavailable."""
    server = S3Server("minio", "", "AKIAMINIO", "minio-secret")
    settings = {
        "MINIO_ROOT_USER": server.key_id,
        "MINIO_ROOT_PASSWORD": server.secret,
        "MINIO_REGION": REGION,
        "MINIO_BROWSER": "off",
        # It would ask for newer versions of itself.
        "MINIO_UPDATE": "off",
        "HOME": str(folder),
    }
    command = [str(find_minio()), "server", "--address", "127.0.0.1:0", str(folder / "data")]
    with _running(command, folder / "minio.log", settings) as endpoint:
        yield S3Server(server.name, endpoint, server.key_id, server.secret)


def find_minio() -> Path:
    """The program; builds it the first time. Raises Unavailable."""
    if shutil.which("go") is None or shutil.which("make") is None:
        raise Unavailable("no MinIO: install Go 1.24 or newer and make, which build it once")
    made = subprocess.run(
        ["make", "-s", "-C", _HERE / "minio"],
        capture_output=True,
        text=True,
        check=False,
        env=_ENVIRONMENT,
    )
    if made.returncode:
        raise Unavailable(f"no MinIO: it cannot be built here:\n{made.stderr}")
    return Path(made.stdout.strip())


@contextmanager
def _running(command: list[str], log: Path, settings: dict[str, str]) -> Iterator[str]:
    """A server's endpoint, as it tells it in its log, while it runs."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=dict(os.environ) | settings
        )
    try:
        yield _read_endpoint(process, log)
    finally:
        end(process)


def _read_endpoint(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace"))
        if found:
            return found[0]
        try:
            process.wait(0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError(f"{log.stem} did not start:\n{log.read_text(errors='replace')[-1000:]}")
