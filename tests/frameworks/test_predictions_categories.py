"""Models that were trained with pandas' categories: the frame of the training is what is sent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from unit_process import parameters

from seldon_deployer import PredictionError
from seldon_deployer.client import InferenceClient

XGBOOST = "seldon_deployer.server.xgboost.XGBoostServer"
LIGHTGBM = "seldon_deployer.server.lightgbm.LightGBMServer"
ROWS = 240


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Numbers, and categories of text, and of numbers that are no codes."""
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "size": random.normal(size=ROWS),
            "color": pd.Categorical(random.choice(["red", "green", "light blue"], ROWS)),
            "rooms": pd.Categorical(random.choice([1, 2, 3], ROWS)),
        }
    )


@pytest.fixture(scope="module")
def target(frame):
    return frame["size"] + 2.0 * (frame["color"] == "red") - (frame["rooms"].astype(int) == 2)


@pytest.fixture(scope="module", params=["xgboost", "dart", "lightgbm"])
def trained(request, frame, target, tmp_path_factory):
    """A fitted model, the server's class, and the folder of its file."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "lightgbm":
        import lightgbm

        model = lightgbm.LGBMRegressor(n_estimators=12, min_child_samples=4, verbose=-1)
        model.fit(frame, target)
        model.booster_.save_model(folder / "model.txt")
        return model, LIGHTGBM, folder
    import xgboost

    booster = {"xgboost": "gbtree"}.get(request.param, request.param)
    model = xgboost.XGBRegressor(n_estimators=12, enable_categorical=True, booster=booster)
    model.fit(frame, target)
    model.save_model(folder / "model.ubj")
    return model, XGBOOST, folder


def test_text_that_xgboost_loses_is_said_and_its_codes_are_taken(
    start_unit, frame, target, tmp_path
):
    import xgboost

    named = frame["color"].cat.rename_categories({"red": "rouge foncé"})
    asked = frame.assign(color=named)
    model = xgboost.XGBRegressor(n_estimators=4, enable_categorical=True).fit(asked, target)
    model.save_model(tmp_path / "model.json")
    unit = start_unit(XGBOOST, **parameters(model_uri=tmp_path))
    assert "the categories of column 1 are not read" in unit.log.read_text()
    client = InferenceClient(unit.url)
    codes = np.column_stack([asked["size"], named.cat.codes, asked["rooms"].cat.codes])
    np.testing.assert_allclose(client.predict(codes), model.predict(asked), rtol=1e-5)
    with pytest.raises(PredictionError, match="could not convert string to float"):
        client.predict(asked)


@pytest.fixture
def clients(start_unit, trained):
    """One for each protocol."""
    _, server, folder = trained
    unit = start_unit(server, **parameters(model_uri=folder))
    return [InferenceClient(unit.url, protocol=each) for each in ("seldon", "v2")]


def test_a_frame_is_answered_as_the_library_answers_it(clients, trained, frame):
    model, _, _ = trained
    asked = frame.head(40)
    turned = asked[["rooms", "size", "color"]]
    for client in clients:
        for each in (asked, turned):
            answer = np.asarray(client.predict(each)).ravel()
            np.testing.assert_allclose(answer, model.predict(asked), rtol=1e-5)


def test_numbers_without_names_are_codes_as_they_always_were(clients, trained, frame):
    model, _, _ = trained
    asked = frame.head(40)
    codes = np.column_stack([asked["size"], asked["color"].cat.codes, asked["rooms"].cat.codes])
    for client in clients:
        answer = np.asarray(client.predict(codes)).ravel()
        np.testing.assert_allclose(answer, model.predict(asked), rtol=1e-5)


def test_a_category_that_was_never_seen_is_what_the_library_takes_it_for(clients, trained, frame):
    model, server, _ = trained
    asked = frame.head(2).assign(color=pd.Categorical(["mauve", "red"]))
    for client in clients:
        if server is XGBOOST:
            with pytest.raises(PredictionError, match="'mauve' is no category") as caught:
                client.predict(asked)
            assert caught.value.status == 400
            continue
        answer = np.asarray(client.predict(asked)).ravel()
        np.testing.assert_allclose(answer, model.predict(asked), rtol=1e-5)


def test_a_category_that_is_missing_is_missing(clients, trained, frame):
    model, _, _ = trained
    asked = frame.head(3).copy()
    asked.loc[1, "color"] = None
    rows = asked.astype(object).where(asked.notna(), None).to_numpy().tolist()
    message = {"data": {"names": list(asked.columns), "ndarray": rows}}
    answer = np.asarray(clients[0].predict(message)["data"]["ndarray"]).ravel()
    np.testing.assert_allclose(answer, model.predict(asked), rtol=1e-5)


def test_a_classifier_answers_its_own_labels_and_probabilities_for_a_frame(
    start_unit, frame, tmp_path
):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True)
    model.fit(frame, (frame["color"] == "red").astype(int))
    model.save_model(tmp_path / "model.json")
    unit = start_unit(XGBOOST, **parameters(model_uri=tmp_path))
    asked = frame.head(40)
    with InferenceClient(unit.url, protocol="v2") as client:
        labels = client.predict(asked, outputs=["predict"])
        shares = client.predict(asked, outputs=["predict_proba"])
    assert np.array_equal(np.ravel(labels), model.predict(asked))
    np.testing.assert_allclose(shares, model.predict_proba(asked), rtol=1e-5)
