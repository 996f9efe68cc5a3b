"""Pickled Keras models: served as the library predicts, or refused with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
from models import FLOWERS, KINDS, ROWS, quiet
from unit_process import parameters

from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.errors import ArtifactError

KERAS_SERVER = "seldon_deployer.server.keras.KerasServer"
Build = Callable[[Any], Any]


def sequential(keras: Any) -> Any:
    """Built by its training, and compiled with an optimizer and a metric."""
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(FLOWERS, KINDS, epochs=1, verbose=0)
    return model


def functional(keras: Any) -> Any:
    """Two branches over one input, one of them normalised by what it was adapted to."""
    given = keras.Input((4,))
    scaled = keras.layers.Normalization()
    scaled.adapt(FLOWERS)
    both = keras.layers.Concatenate()([keras.layers.Dense(2)(given), scaled(given)])
    return keras.Model(given, keras.layers.Dense(3)(both))


def with_lambda(keras: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 3)])


def with_loss_of_ones_own(keras: Any) -> Any:
    def distance(wanted: Any, told: Any) -> Any:
        return keras.ops.mean(wanted - told)

    model = functional(keras)
    model.compile("adam", distance)
    return model


def with_layer_of_ones_own(keras: Any) -> Any:
    class Doubled(keras.layers.Layer):  # type: ignore[misc]
        def call(self, given: Any) -> Any:
            return given * 2

    return keras.Sequential([keras.Input((4,)), Doubled()])


def with_registered_layer(keras: Any) -> Any:
    @keras.saving.register_keras_serializable("tests")
    class Tripled(keras.layers.Layer):  # type: ignore[misc]
        def call(self, given: Any) -> Any:
            return given * 3

    return keras.Sequential([keras.Input((4,)), Tripled()])


def with_registered_activation(keras: Any) -> Any:
    @keras.saving.register_keras_serializable("tests")
    def squared(given: Any) -> Any:
        return given * given

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation=squared)])


def only_a_layer(keras: Any) -> Any:
    return keras.layers.Dense(3)


def pickled(build: Build, folder: Path) -> tuple[Path, Any]:
    """What ZenML stores of a model without its integration, and the model."""
    models.library("tensorflow")
    keras = models.library("keras")
    folder.mkdir()
    with quiet():
        keras.utils.set_random_seed(7)
        model = build(keras)
        models.pickled(model)(folder)
    return folder, model


@pytest.mark.parametrize("build", [sequential, functional])
def test_a_pickled_model_is_served_with_the_librarys_own_predictions(
    start_unit: Any, tmp_path: Path, build: Build
) -> None:
    artifact, model = pickled(build, tmp_path / "artifact")

    prepared = prepare(artifact, is_own=True)

    unit = start_unit(KERAS_SERVER, **parameters(model_uri=prepared.path))
    answer = unit.predict({"data": {"ndarray": ROWS.tolist()}})["data"]["ndarray"]
    with quiet():
        np.testing.assert_allclose(answer, model(ROWS), rtol=1e-5)


def test_a_pickled_lambda_runs_only_where_it_is_allowed(
    start_unit: Any, run_server: Any, tmp_path: Path
) -> None:
    artifact, _ = pickled(with_lambda, tmp_path / "artifact")
    served = prepare(artifact, is_own=True).path

    refused = run_server(KERAS_SERVER, "--http-port", "0", **parameters(model_uri=served))
    unit = start_unit(KERAS_SERVER, **parameters(model_uri=served, safe_mode=False))

    assert "safe_mode=false allows Lambda layers" in refused.stderr
    answer = unit.predict({"data": {"ndarray": ROWS.tolist()}})["data"]["ndarray"]
    np.testing.assert_allclose(answer, ROWS * 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (
            with_layer_of_ones_own,
            "Could not locate class 'Doubled'.*export.*register.*predict function",
        ),
        (with_loss_of_ones_own, r"Could not locate function 'distance'.*model\.save"),
        (
            with_registered_layer,
            "no code of yours, such as tests>Tripled.*TENSORFLOW_SERVER.*predict",
        ),
        (
            with_registered_activation,
            "no code of yours, such as tests>squared.*TENSORFLOW_SERVER.*predict",
        ),
        (only_a_layer, r"holds no model of Keras.*Dense.*model\.save"),
    ],
)
def test_a_pickle_that_lacks_something_is_refused_with_what_to_do(
    tmp_path: Path, build: Build, why: str
) -> None:
    artifact, _ = pickled(build, tmp_path / "artifact")

    with pytest.raises(ArtifactError, match=why):
        prepare(artifact, is_own=True)

    # Nothing is left half-made.
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_a_registered_layer_is_served_from_an_exported_model(tmp_path: Path) -> None:
    tensorflow = models.library("tensorflow")
    artifact, model = pickled(with_registered_layer, tmp_path / "artifact")

    prepared = prepare(artifact, implementation="TENSORFLOW_SERVER", is_own=True)

    with quiet():
        served = tensorflow.saved_model.load(str(prepared.path / "1"))
        [answer] = served.signatures["serving_default"](tensorflow.constant(ROWS)).values()
        np.testing.assert_allclose(answer, model(ROWS))


def test_a_pickle_of_others_is_refused_with_the_way_to_save_it(tmp_path: Path) -> None:
    artifact, _ = pickled(functional, tmp_path / "artifact")

    with pytest.raises(ArtifactError, match=r"not known to be your own.*model\.save\('model"):
        prepare(artifact)

    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]
