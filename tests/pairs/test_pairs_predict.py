"""Artifacts in every store, served by the embedded runtime with their library's own predictions.

Each server that runs here, with each protocol, answers from one store; the stores take turns, so
that each of them meets every way in which files can lie: one file, several, folders in the folder,
and a copy that was converted beside the original. Not every product of the three is served: a
model server is started when the files are there, and is told nothing of where they came from.
That the files arrive is shown for the whole product, byte by byte, in `test_client_pairs.py`, so
what one store is served from, every other is served from as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frameworks.hugging_face import is_close
from numpy.typing import NDArray
from pairs.matrix import Pair, served_pairs
from pairs.places import CLAIM, VOLUMES, Files, Folder, Place
from pairs.samples import Layout, Model

from seldon_deployer import Deployer, DeploymentConfig
from seldon_deployer.artifacts.detect import detect
from seldon_deployer.cluster import SECRETS
from seldon_deployer.errors import ArtifactError, StorageMissing
from seldon_deployer.local import lifecycle
from seldon_deployer.manifest.graph import predictors

# They share the runtime, the servers of the stores, and the models.
PlaceOf = Callable[[str], Place]
NAMED = [pair for pair in served_pairs() if pair.store == "pvc"]


@pytest.fixture(scope="module")
def deployer(
    way_out: None, claim: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployer]:
    home = tmp_path_factory.mktemp("home")
    volumes = home / "volumes"
    volumes.mkdir()
    (volumes / CLAIM).symlink_to(claim)
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.mark.parametrize("pair", served_pairs(), ids=str)
def test_an_artifact_is_served_with_the_predictions_of_its_library(
    deployer: Deployer, place_of: PlaceOf, tmp_path: Path, pair: Pair[Model]
) -> None:
    place, name, model = place_of(pair.store), pair.model_name, pair.sample
    artifact = model.save(tmp_path / "artifact")
    expected = model.train().answers[getattr(model, pair.protocol)]
    assert format_of(artifact, pair) == model.format
    place.put(name, artifact)
    original = place.files(name)

    service = deployer.deploy(
        DeploymentConfig(
            model_name=name, protocol=pair.protocol, **asked(pair), **place.fields(name)
        ),
        credentials=place.credentials,
        timeout_seconds=180,
    )
    try:
        answer = service.predict(model.given())
        [predictor] = predictors(service.manifest)
        unit = predictor["graph"]
    finally:
        deployer.delete(service.name)

    check_answer(answer, expected, pair.protocol)
    served = place.prefix(unit["modelUri"]) if unit.get("modelUri") else name
    assert layout_of(place.files(served), is_copy=served != name) is model.layout
    assert place.files(name) == original == Folder(artifact).files("")
    assert unit.get("envSecretRefName") == (place.credentials and place.credentials.name)
    # With the last deployment that used it the Secret went as well.
    assert deployer.cluster.list(SECRETS)[0] == []


def test_what_a_volume_holds_has_to_be_named(
    deployer: Deployer, place_of: PlaceOf, tmp_path: Path
) -> None:
    place = place_of("pvc")
    place.put("unnamed", NAMED[0].sample.save(tmp_path / "artifact"))

    with pytest.raises(ArtifactError, match=r"is unknown.*set implementation"):
        deployer.deploy(DeploymentConfig(model_name="unnamed", **place.fields("unnamed")))

    assert deployer.find() == []


def test_what_a_volume_holds_is_served_as_it_lies_or_not_at_all(
    deployer: Deployer, place_of: PlaceOf, tmp_path: Path
) -> None:
    """Nobody here can write a copy beside it, so an artifact for conversion fails by name."""
    place = place_of("pvc")
    [raw] = {
        pair.sample
        for pair in served_pairs()
        if pair.sample.server == "SKLEARN_SERVER" and pair.sample.layout is Layout.COPY
    }
    place.put("raw", raw.save(tmp_path / "artifact"))
    config = DeploymentConfig(
        model_name="raw", implementation="SKLEARN_SERVER", **place.fields("raw")
    )

    with pytest.raises(StorageMissing, match=r"model\.joblib"):
        deployer.deploy(config, timeout_seconds=120)

    assert deployer.find() == []


def check_answer(answer: Any, expected: NDArray[Any], protocol: str) -> None:
    if expected.dtype.kind == "O":
        # Documents of JSON, of which a Seldon message is one.
        given = answer if protocol == "seldon" else [json.loads(text) for text in answer.ravel()]
        assert is_close(given, [json.loads(text) for text in expected])
        return
    if protocol == "v2":
        # One value per row is one column there, and dtypes are kept.
        expected = expected.reshape(answer.shape)
        assert answer.dtype == expected.dtype
    assert answer.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-7)


def asked(pair: Pair[Model]) -> dict[str, str]:
    """The server by its name, where nothing finds it: nobody here looks into a volume."""
    is_found = pair.sample.is_found and pair.store not in VOLUMES
    return {} if is_found else {"implementation": pair.sample.server}


def format_of(folder: Path, pair: Pair[Model]) -> str:
    return detect(
        Folder(folder).files(""),
        protocol=pair.protocol,
        implementation=pair.sample.server,
        read=lambda file, limit_bytes: (folder / file).read_bytes()[:limit_bytes],
    ).format


def layout_of(files: Files, *, is_copy: bool) -> Layout:
    if is_copy:
        return Layout.COPY
    if any("/" in path for path in files):
        return Layout.FOLDERS
    return Layout.FILE if len(files) == 1 else Layout.FILES
