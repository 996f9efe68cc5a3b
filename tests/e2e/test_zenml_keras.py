"""A Keras model that ZenML pickles, for want of its integration, is served all the same."""

import numpy as np
import pytest
from zenml_scripts import PRELUDE
from zenml_store import ZenMLStore

SCRIPT = """
import keras
from typing import Any
from zenml import pipeline, step
from seldon_deployer.steps import seldon_model_deployer_step

FLOWERS, KINDS = load_iris(return_X_y=True)

@step(enable_cache=False)
def train_sequential() -> Any:
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(FLOWERS, KINDS, epochs=1, verbose=0)
    return model

@step(enable_cache=False)
def train_functional() -> Any:
    given = keras.Input((4,))
    branches = [keras.layers.Dense(4, "tanh")(given), given]
    return keras.Model(given, keras.layers.Dense(3)(keras.layers.Concatenate()(branches)))

@pipeline(enable_cache=False)
def flowers():
    seldon_model_deployer_step(
        model=train_sequential(), model_name="sequential", id="deploy_sequential", timeout=120
    )
    seldon_model_deployer_step(
        model=train_functional(), model_name="functional", id="deploy_functional",
        protocol="v2", timeout=120,
    )

steps = flowers().steps
seen = {}
for name in ("sequential", "functional"):
    stored = steps[f"train_{name}"].output
    [service] = deployer.deployer.find(model_name=name)
    seen[name] = {
        "materializer": stored.materializer.attribute,
        "expected": np.asarray(stored.load().predict(FLOWERS[:5], verbose=0)).tolist(),
        "answer": np.asarray(service.predict(FLOWERS[:5].astype("float32"))).tolist(),
    }
    deployer.deployer.delete(name)
answer(seen)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-keras")) as store:
        store.set_up_local_stack()
        yield store


def test_a_pickled_keras_model_is_served_with_its_own_predictions(store):
    pytest.importorskip("tensorflow", reason="no tensorflow: pip install -e '.[frameworks]'")
    seen = store.script(PRELUDE + SCRIPT)

    assert sorted(seen) == ["functional", "sequential"]
    for told in seen.values():
        assert told["materializer"] == "CloudpickleMaterializer"
        np.testing.assert_allclose(told["answer"], told["expected"], rtol=1e-4)
