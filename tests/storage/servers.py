"""The S3 servers as fixtures, each started once a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from storage.s3_server import S3Server, Unavailable, is_required, run_minio, run_moto


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    try:
        with run_minio(tmp_path_factory.mktemp("minio")) as server:
            yield server
    except Unavailable as error:
        if is_required():
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=["moto", "minio"])
def s3(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn."""
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def rclone() -> str:
    path = shutil.which("rclone")
    if path is None:
        pytest.skip("rclone is not installed (apt-get install rclone)")
    return path
