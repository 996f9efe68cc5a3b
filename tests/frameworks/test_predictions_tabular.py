"""Models of rows and columns: predictions equal the library's own, through both protocols."""

from __future__ import annotations

import joblib
import models
import numpy as np
import pytest
from unit_process import parameters

SERVER = "seldon_deployer.server."
SKLEARN = f"{SERVER}sklearn.SKLearnServer"
XGBOOST = f"{SERVER}xgboost.XGBoostServer"
LIGHTGBM = f"{SERVER}lightgbm.LightGBMServer"
CATBOOST = f"{SERVER}catboost.CatBoostServer"
ROWS = {"data": {"ndarray": models.ROWS.tolist()}}
NAMES = ["length", "width", "petal length", "petal width"]


def v2_rows(**more):
    tensor = {
        "name": "x",
        "shape": [4, 4],
        "datatype": "FP32",
        "data": models.ROWS.ravel().tolist(),
    }
    return {"inputs": [tensor], **more}


def array_of(output):
    return np.array(output["data"]).reshape(output["shape"])


@pytest.fixture
def serve(start_unit, tmp_path):
    """Save a form of a model and serve it."""

    def start(server, trained, form, **given):
        folder = trained.save(form, tmp_path / "model")
        return start_unit(server, **parameters(model_uri=folder, **given))

    return start


@pytest.mark.parametrize("form", ["zenml", "ubj", "bst", "bst of json"])
def test_every_format_of_xgboost_answers_as_its_booster(serve, form):
    trained = models.train_xgboost()
    unit = serve(XGBOOST, trained, form)
    answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
    np.testing.assert_allclose(answer, trained.answers["predict"], rtol=1e-6)
    [output] = unit.infer(v2_rows())
    assert (output["name"], output["shape"], output["datatype"]) == ("predict", [4, 3], "FP32")
    np.testing.assert_allclose(array_of(output), trained.answers["predict"], rtol=1e-6)


def test_an_xgboost_classifier_answers_labels_under_v2_and_its_booster_under_seldon(serve):
    trained = models.train_xgboost_classifier()
    unit = serve(XGBOOST, trained, "json")
    probabilities = np.array(unit.predict(ROWS)["data"]["ndarray"])
    np.testing.assert_allclose(probabilities, trained.answers["predict_proba"], rtol=1e-6)
    wanted = [{"name": "predict"}, {"name": "predict_proba"}]
    labels, both = unit.infer(v2_rows(outputs=wanted))
    assert labels["shape"] == [4, 1]
    assert labels["data"] == trained.answers["predict"].tolist()
    np.testing.assert_allclose(array_of(both), trained.answers["predict_proba"], rtol=1e-6)


def test_a_booster_has_no_probabilities_under_v2(serve):
    unit = serve(XGBOOST, models.train_xgboost(), "ubj")
    answer = unit.post("/v2/models/infer", v2_rows(outputs=[{"name": "predict_proba"}]))
    assert answer.status == 400
    assert answer.json() == {"error": "this model has no output predict_proba; it has predict"}


@pytest.mark.parametrize("form", ["zenml"])
def test_lightgbm_answers_as_its_booster(serve, form):
    trained = models.train_lightgbm()
    unit = serve(LIGHTGBM, trained, form)
    answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
    np.testing.assert_allclose(answer, trained.answers["predict"], rtol=1e-9)
    [output] = unit.infer(v2_rows())
    assert (output["name"], output["datatype"]) == ("predict", "FP64")
    np.testing.assert_allclose(array_of(output), trained.answers["predict"], rtol=1e-9)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_catboost_answers_with_the_method_that_is_asked_for(serve, method):
    trained = models.train_catboost()
    unit = serve(CATBOOST, trained, "cbm", method=method)
    answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
    assert answer.dtype == trained.answers[method].dtype
    np.testing.assert_allclose(answer, trained.answers[method], rtol=1e-9)
    labels, probabilities = unit.infer(
        v2_rows(outputs=[{"name": "predict"}, {"name": "predict_proba"}])
    )
    np.testing.assert_array_equal(array_of(labels), trained.answers["predict"])
    np.testing.assert_allclose(array_of(probabilities), trained.answers["predict_proba"])


def test_catboost_takes_categories_as_text_and_a_regressor_has_no_probabilities(
    start_unit, run_server, tmp_path
):
    catboost = models.library("catboost")
    rows = [["red", 1.0], ["blue", 2.0], ["red", 3.0], ["blue", 5.0]] * 5
    model = catboost.CatBoostRegressor(
        iterations=5, verbose=0, cat_features=[0], allow_writing_files=False
    ).fit(rows, [1.0, 2.0, 3.0, 4.0] * 5)
    model.save_model(str(tmp_path / "model.cbm"))
    unit = start_unit(CATBOOST, **parameters(model_uri=tmp_path))
    answer = unit.predict({"data": {"ndarray": rows[:4]}})["data"]["ndarray"]
    np.testing.assert_allclose(answer, model.predict(rows[:4]), rtol=1e-9)
    columns = [
        {"name": "0", "shape": [4], "datatype": "BYTES", "data": [row[0] for row in rows[:4]]},
        {"name": "1", "shape": [4], "datatype": "FP64", "data": [row[1] for row in rows[:4]]},
    ]
    [output] = unit.infer({"inputs": columns})
    np.testing.assert_allclose(output["data"], model.predict(rows[:4]), rtol=1e-9)

    result = run_server(
        CATBOOST, "--http-port", "0", **parameters(model_uri=tmp_path, method="predict_proba")
    )
    assert result.returncode == 1
    assert "no method predict_proba: it is no classifier" in result.stderr


@pytest.mark.parametrize(
    "train",
    [models.train_xgboost_classifier, models.train_lightgbm_classifier, models.train_catboost],
)
def test_pickled_wrappers_are_served_by_the_joblib_path(start_unit, tmp_path, train):
    trained = train()
    joblib.dump(trained.model, tmp_path / "model.joblib")
    for method in ("predict_proba", "predict"):
        unit = start_unit(SKLEARN, **parameters(model_uri=tmp_path, method=method))
        answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
        np.testing.assert_allclose(answer, trained.answers[method], rtol=1e-6)
    wanted = [{"name": "predict"}, {"name": "predict_proba"}]
    labels, probabilities = unit.infer(v2_rows(outputs=wanted))
    assert labels["data"] == trained.answers["predict"].ravel().tolist()
    np.testing.assert_allclose(array_of(probabilities), trained.answers["predict_proba"], rtol=1e-6)
    refused = unit.post("/predict", {"data": {"ndarray": [[1.0, 2.0]]}})
    assert refused.status == 400, refused.data


@pytest.mark.parametrize(
    ("server", "train", "form"),
    [
        (XGBOOST, models.train_xgboost, "ubj"),
        (XGBOOST, models.train_xgboost_classifier, "json"),
        (LIGHTGBM, models.train_lightgbm, "zenml"),
        (CATBOOST, models.train_catboost, "cbm"),
    ],
)
def test_a_wrong_number_of_columns_is_400_in_both_protocols(serve, server, train, form):
    unit = serve(server, train(), form)
    answer = unit.post("/predict", {"data": {"ndarray": [[1.0, 2.0]]}})
    assert answer.status == 400
    info = answer.json()["status"]["info"]
    assert info
    assert "Traceback" not in info
    short = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    answer = unit.post("/v2/models/infer", {"inputs": [short]})
    assert answer.status == 400
    assert list(answer.json()) == ["error"]
    # The unit goes on.
    assert unit.predict(ROWS)


def test_named_columns_are_taken_by_name_and_other_names_by_place(start_unit, tmp_path):
    """A model of a frame, and messages with its columns in another order, or called otherwise."""
    pandas, xgboost = models.library("pandas"), models.library("xgboost")
    lightgbm = models.library("lightgbm")
    from sklearn.linear_model import LogisticRegression

    frame = pandas.DataFrame(models.FLOWERS, columns=NAMES)
    kinds = models.KINDS
    logistic = LogisticRegression(max_iter=1000).fit(frame, kinds)
    booster = xgboost.XGBClassifier(n_estimators=3).fit(frame, kinds)
    light = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(frame, kinds)
    saved = {
        SKLEARN: lambda folder: joblib.dump(logistic, folder / "model.joblib"),
        XGBOOST: lambda folder: booster.save_model(folder / "model.json"),
        LIGHTGBM: lambda folder: light.booster_.save_model(folder / "model.txt"),
    }
    rows = frame.iloc[[0, 60, 120]]
    expected = {
        SKLEARN: logistic.predict_proba(rows),
        XGBOOST: booster.predict_proba(rows),
        LIGHTGBM: light.predict_proba(rows),
    }
    turned = rows[NAMES[::-1]]
    for server, save in saved.items():
        folder = tmp_path / server.rpartition(".")[2]
        folder.mkdir()
        save(folder)
        unit = start_unit(server, **parameters(model_uri=folder))
        by_place = {"names": ["a", "b", "c", "d"], "ndarray": rows.to_numpy().tolist()}
        by_name = {"names": NAMES[::-1], "ndarray": turned.to_numpy().tolist()}
        # LightGBM writes its columns without spaces.
        if server == LIGHTGBM:
            by_name["names"] = [name.replace(" ", "_") for name in by_name["names"]]
        for data in (by_place, by_name):
            answer = unit.predict({"data": data})["data"]["ndarray"]
            np.testing.assert_allclose(answer, expected[server], rtol=1e-6, err_msg=server)


def test_a_pipeline_that_picks_columns_by_name_gets_a_frame(start_unit, tmp_path):
    """Numbers and text, each column in its own type, as the frame that it was trained on."""
    pandas = models.library("pandas")
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pandas.DataFrame({"colour": ["red", "blue", "red", "green"], "size": [1.0, 2.0, 3, 4]})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["colour"]), (StandardScaler(), ["size"])),
        LogisticRegression(),
    ).fit(frame, [0, 1, 0, 1])
    joblib.dump(model, tmp_path / "model.joblib")
    unit = start_unit(SKLEARN, **parameters(model_uri=tmp_path))
    expected = model.predict_proba(frame)
    for names, rows in (
        (["colour", "size"], frame.to_numpy().tolist()),
        (["size", "colour"], frame[["size", "colour"]].to_numpy().tolist()),
        ([], frame.to_numpy().tolist()),
    ):
        answer = unit.predict({"data": {"names": names, "ndarray": rows}})
        np.testing.assert_allclose(answer["data"]["ndarray"], expected, rtol=1e-12)
    inputs = [
        {"name": "size", "shape": [4, 1], "datatype": "FP64", "data": frame["size"].tolist()},
        {"name": "colour", "shape": [4, 1], "datatype": "BYTES", "data": frame["colour"].tolist()},
    ]
    [output] = unit.infer({"inputs": inputs, "parameters": {"content_type": "pd"}})
    assert output["data"] == model.predict(frame).tolist()


@pytest.mark.parametrize(
    ("server", "file"),
    [
        (XGBOOST, "model.bst"),
        (XGBOOST, "model.json"),
        (LIGHTGBM, "model.txt"),
        (CATBOOST, "model.cbm"),
    ],
)
def test_a_file_that_is_no_model_ends_the_start_with_its_reason(run_server, tmp_path, server, file):
    (tmp_path / file).write_bytes(b"no model at all")
    result = run_server(server, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1, result.stderr
    assert f"cannot read the model {file}" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("server", [XGBOOST, LIGHTGBM, CATBOOST])
def test_an_empty_folder_ends_the_start_and_says_how_to_save(run_server, tmp_path, server):
    result = run_server(server, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1
    assert "there is nothing, but none of model." in result.stderr.strip().splitlines()[-1]
    assert "try: save it with" in result.stderr
