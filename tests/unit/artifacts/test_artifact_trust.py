"""Nothing in an artifact runs, unless it is the user's own and a conversion needs it."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import joblib
import pytest

from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.catalogue import known_servers
from seldon_deployer.errors import SeldonDeployerError


class Canary:
    """An object whose pickle makes a folder as soon as it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def as_pickle(canary: Canary) -> bytes:
    return pickle.dumps(canary)


def as_joblib(canary: Canary) -> bytes:
    file = io.BytesIO()
    joblib.dump(canary, file)
    return file.getvalue()


def as_torch(canary: Canary) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(canary, protocol=2))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def as_keras(canary: Canary) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("config.json", pickle.dumps(canary))
    return file.getvalue()


NAMES = [
    *("artifact.pkl", "model.joblib", "model.pickle", "model.pkl", "model.pt", "entire_model.pt"),
    *("model.bst", "model.json", "model.ubj", "model.txt", "model.cbm", "model.onnx", "model.h5"),
    *("model.keras", "model.pt2", "model.bin", "MLmodel", "saved_model.pb"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [as_pickle, as_joblib, as_torch, as_keras])
@pytest.mark.parametrize("is_local", [True, False])
def test_no_artifact_of_others_ever_runs(tmp_path: Path, name: str, content, is_local) -> None:
    mark, artifact = tmp_path / "mark", tmp_path / "artifact"
    artifact.mkdir()
    (artifact / name).write_bytes(content(Canary(mark)))

    for implementation in (None, *known_servers()):
        for protocol in ("seldon", "v2"):
            try:
                prepare(
                    artifact, protocol=protocol, implementation=implementation, is_local=is_local
                )
            except SeldonDeployerError as error:
                assert str(error)  # noqa: PT017 - either outcome is fine, as long as nothing ran

    assert not mark.exists()


def test_the_canary_sings(tmp_path: Path) -> None:
    pickle.loads(as_pickle(Canary(tmp_path / "mark")))

    assert (tmp_path / "mark").exists()
