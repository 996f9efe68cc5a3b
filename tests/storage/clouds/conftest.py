"""One server of each cloud for all tests of a worker, and models of some files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from storage.clouds.azure_server import Azure
from storage.clouds.gcs_server import Google
from storage.clouds.internet import Internet
from storage.clouds.programs import find_rclone
from storage.clouds.servers import azure_server, google_server, internet, lead_to
from storage.clouds.stores import AzureStore, GoogleStore, Store

__all__ = ["azure_server", "google_server", "internet"]


@pytest.fixture(autouse=True)
def reach_the_clouds(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The clouds' addresses lead to the servers here, and this machine has no identity."""
    lead_to(internet, monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.fixture
def azure(azure_server: Azure) -> Azure:
    azure_server.token_requests.clear()
    return azure_server


@pytest.fixture
def google(google_server: Google) -> Google:
    google_server.token_requests.clear()
    return google_server


@pytest.fixture(scope="session")
def rclone() -> str:
    return find_rclone()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a small file, an empty one, and one in a folder."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "model.joblib").write_bytes(bytes(range(256)) * 40)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "variables" / "weights 1+1=2.bin").write_bytes(os.urandom(3_000))
    return folder


@pytest.fixture(params=["google", "azure"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty bucket of either cloud, read with the key of an account."""
    if request.param == "google":
        return GoogleStore(request.getfixturevalue("google"))
    return AzureStore(request.getfixturevalue("azure"))
