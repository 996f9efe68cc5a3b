"""One server of each cloud for all tests of a worker, and models of some files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_server import Azure, run_azure
from gcs_server import Google, run_google
from internet import Internet, run_internet
from programs import find_rclone
from stores import AzureStore, GoogleStore, Store

# In every credential of the tests, so that it is seen wherever one leaks.
CANARY = "canary7Qx"
# Of this machine, and of no test.
_OWN = ("AZURE_", "GOOGLE_", "GCE_", "GCLOUD_", "CLOUDSDK_", "STORAGE_EMULATOR", "RCLONE_")


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with run_internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


@pytest.fixture(scope="session")
def azure_server(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    with run_azure(internet, tmp_path_factory.mktemp("azure"), CANARY) as running:
        yield running


@pytest.fixture(scope="session")
def google_server(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    with run_google(internet, tmp_path_factory.mktemp("google"), CANARY) as running:
        yield running


@pytest.fixture(autouse=True)
def reach_the_clouds(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The clouds' addresses lead to the servers here, and this machine has no identity."""
    for name in list(os.environ):
        if name.startswith(_OWN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    for name, value in internet.environment.items():
        monkeypatch.setenv(name, value)


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
