"""The clouds as fixtures, each started once a run, and the way to them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from storage.clouds.azure_server import Azure, run_azure
from storage.clouds.gcs_server import Google, run_google
from storage.clouds.internet import Internet, run_internet

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


def lead_to(internet: Internet, patch: pytest.MonkeyPatch, *own: str) -> None:
    """Lead the clouds' addresses to the servers here, and forget this machine's identity.

    own: beginnings of more variables that are this machine's.
    """
    for name in list(os.environ):
        if name.startswith((*_OWN, *own)):
            patch.delenv(name)
    for name, value in internet.environment.items():
        patch.setenv(name, value)
