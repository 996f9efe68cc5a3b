# ruff: noqa: N806 - names and attributes as users of scikit-learn write them
"""SKLEARN_SERVER: predictions equal scikit-learn's own, through both protocols."""

import json
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from seldon_deployer.client import InferenceClient

CLASS = "seldon_deployer.server.sklearn.SKLearnServer"


def parameters(**values):
    typed = [{"name": key, "value": str(v), "type": "STRING"} for key, v in values.items()]
    return {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(typed)}


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    X, y = load_iris(return_X_y=True)
    # Sums of floats may differ in the last bit with where an array lies in memory; a tree's not.
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    folder = tmp_path_factory.mktemp("iris")
    joblib.dump(model, folder / "model.joblib")
    return folder, model, X


@pytest.fixture(scope="module")
def unit(start_unit, iris):
    return start_unit(CLASS, PREDICTIVE_UNIT_ID="iris", **parameters(model_uri=iris[0]))


def test_probabilities_equal_scikit_learns_bit_for_bit(unit, iris):
    _, model, X = iris
    answer = unit.predict({"data": {"ndarray": X.tolist()}})
    assert np.array_equal(np.array(answer["data"]["ndarray"]), model.predict_proba(X))


@pytest.mark.parametrize("method", ["predict", "decision_function"])
def test_the_method_parameter_chooses_what_is_answered(start_unit, tmp_path, method):
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    unit = start_unit(CLASS, **parameters(model_uri=tmp_path, method=method))
    answer = unit.predict({"data": {"ndarray": X.tolist()}})
    expected = getattr(model, method)(X)
    assert np.array(answer["data"]["ndarray"]) == pytest.approx(expected, rel=1e-12)


def test_a_regressor_answers_with_predict_after_a_warning(start_unit, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(X, y)
    joblib.dump(model, tmp_path / "model.pkl")
    unit = start_unit(CLASS, **parameters(model_uri=tmp_path))
    answer = unit.predict({"data": {"ndarray": X[:5].tolist()}})
    assert answer["data"]["ndarray"] == pytest.approx(model.predict(X[:5]), rel=1e-12)
    assert "LinearRegression has no predict_proba" in unit.log.read_text()


def test_the_wrong_number_of_features_is_400_with_scikit_learns_words(unit):
    answer = unit.post("/predict", {"data": {"ndarray": [[1.0, 2.0]]}})
    assert answer.status == 400
    assert "expecting 4 features" in answer.json()["status"]["info"]


def test_v2_answers_labels_and_probabilities(unit, iris):
    _, model, X = iris
    inputs = [{"name": "x", "shape": [3, 4], "datatype": "FP64", "data": X[:3].ravel().tolist()}]
    answer = unit.post("/v2/models/iris/infer", {"id": "7", "inputs": inputs}).json()
    assert answer["id"] == "7"
    assert answer["model_name"] == "iris"
    [output] = answer["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("predict", [3, 1], "INT64")
    assert output["data"] == model.predict(X[:3]).tolist()

    both = {"inputs": inputs, "outputs": [{"name": "predict_proba"}, {"name": "predict"}]}
    first, second = unit.post("/v2/models/iris/infer", both).json()["outputs"]
    assert first["shape"] == [3, 3]
    assert first["data"] == model.predict_proba(X[:3]).ravel().tolist()
    assert second["name"] == "predict"


def test_v2_columns_are_joined(unit, iris):
    _, model, X = iris
    inputs = [
        {"name": f"f{i}", "shape": [2, 1], "datatype": "FP64", "data": X[:2, i].tolist()}
        for i in range(4)
    ]
    answer = unit.post("/v2/models/infer", {"inputs": inputs}).json()
    assert answer["outputs"][0]["data"] == model.predict(X[:2]).tolist()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v2/models/nope/infer", {"inputs": []}, 404),
        ("/v2/models/iris/infer", {}, 400),
        ("/v2/models/iris/infer", {"inputs": [{"name": "x"}]}, 400),
        (
            "/v2/models/iris/infer",
            {"inputs": [{"name": "x", "shape": [1], "datatype": "INT8", "data": [1.5]}]},
            400,
        ),
        (
            "/v2/models/iris/infer",
            {
                "inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1] * 4}],
                "outputs": [{"name": "transform"}],
            },
            400,
        ),
    ],
)
def test_v2_errors_are_in_its_own_form(unit, path, body, status):
    answer = unit.post(path, body)
    assert answer.status == status
    assert list(answer.json()) == ["error"]


def test_v2_health_and_metadata_answer(unit):
    assert unit.get("/v2/health/live").status == 200
    assert unit.get("/v2/health/ready").status == 200
    assert unit.get("/v2/models/iris/ready").status == 200
    assert unit.get("/v2/models/iris").json()["name"] == "iris"
    assert unit.get("/v2").json()["name"] == "seldon-deployer"


def test_the_model_is_found_from_the_v2_environment(start_unit, iris):
    folder, model, X = iris
    unit = start_unit(CLASS, PREDICTIVE_UNIT_ID="iris", MLSERVER_MODEL_URI=str(folder))
    answer = unit.predict({"data": {"ndarray": X[:1].tolist()}})
    assert np.array_equal(np.array(answer["data"]["ndarray"]), model.predict_proba(X[:1]))


def test_a_pipeline_of_texts_answers_one_text_and_several_in_both_protocols(start_unit, tmp_path):
    texts = ["a good film", "a bad film", "good and fine", "bad and dull"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    joblib.dump(model, tmp_path / "model.joblib")
    unit = start_unit(CLASS, **parameters(model_uri=tmp_path))
    asked = ["good", "a dull film"]
    with InferenceClient(unit.url) as client:
        assert np.allclose(client.predict(asked), model.predict_proba(asked))
        assert np.allclose(client.predict("good"), model.predict_proba(["good"]))
    with InferenceClient(unit.url, protocol="v2") as client:
        assert np.array_equal(np.ravel(client.predict(asked)), model.predict(asked))
        assert np.array_equal(np.ravel(client.predict("good")), model.predict(["good"]))


def test_a_model_with_a_function_of_its_script_says_where_to_put_it(run_server, tmp_path):
    script = (
        "import joblib\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "def clean(X):\n    return X\n"
        f"joblib.dump(FunctionTransformer(clean), {str(tmp_path / 'model.joblib')!r})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    result = run_server(CLASS, "--http-port", "0", **parameters(model_uri=tmp_path))
    tried, last = result.stderr.strip().splitlines()[-2:]
    assert "it needs clean of the script that trained it" in last
    assert "a module of its own" in tried
