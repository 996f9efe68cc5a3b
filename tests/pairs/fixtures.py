"""Every store at once, as fixtures: a folder, S3, Google, Azure, and a volume's claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pairs.places import Bucket, Folder, Place, in_azure, in_google
from storage.clouds.internet import Internet
from storage.clouds.servers import azure_server, google_server, internet, lead_to
from storage.servers import minio, rclone

__all__ = [
    "azure_server",
    "claim",
    "google_server",
    "internet",
    "minio",
    "place_of",
    "rclone",
    "way_out",
]


@pytest.fixture(scope="module")
def way_out(internet: Internet) -> Iterator[None]:
    """The stores' addresses lead to the servers here, and this machine has no identity."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(internet, patch, "AWS_")
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="module")
def claim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder behind the volume's claim."""
    return tmp_path_factory.mktemp("claim")


@pytest.fixture(scope="module")
def place_of(
    way_out: None, claim: Path, request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Place]:  # fmt: skip
    """The place of a store's name; its server is started with the first that asks for it."""
    made: dict[str, Place] = {}
    makers: dict[str, Callable[[], Place]] = {
        "path": lambda: Folder(tmp_path_factory.mktemp("artifacts")),
        "s3": lambda: Bucket(request.getfixturevalue("minio")),
        "gs": lambda: in_google(request.getfixturevalue("google_server")),
        "azureblob": lambda: in_azure(request.getfixturevalue("azure_server")),
        "pvc": lambda: Folder(claim, "pvc"),
        "mount": lambda: Folder(claim, "mount"),
    }

    def find(store: str) -> Place:
        if store not in made:
            made[store] = makers[store]()
        return made[store]

    return find
