"""SavedModels as behind TensorFlow Serving: its REST API in jsonData, arrays for one input."""

from __future__ import annotations

import base64

import models
import numpy as np
import pytest
from grpc_unit import connect
from unit_process import parameters

TENSORFLOW = "seldon_deployer.server.tensorflow.TensorFlowServer"
ROWS = models.ROWS.tolist()


@pytest.fixture(scope="module")
def iris(start_unit, tmp_path_factory):
    """Keras' model, with what the operator adds to the parameters, and an older version beside."""
    folder = tmp_path_factory.mktemp("iris")
    models.train_keras().save("savedmodel", folder / "10")
    (folder / "9").mkdir()
    (folder / "9" / "saved_model.pb").write_bytes(b"older")
    told = {"rest_endpoint": "http://0.0.0.0:2001", "grpc_endpoint": "0.0.0.0:2000"}
    return start_unit(
        TENSORFLOW,
        *("--grpc-port", "0"),
        PREDICTIVE_UNIT_ID="iris",
        **parameters(model_uri=folder, model_name="iris", **told),
    )


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A folder with a model of several inputs and outputs, bytes among them."""
    tensorflow = models.library("tensorflow")
    number = tensorflow.TensorSpec([None, 2], tensorflow.float32, name="numbers")
    text = tensorflow.TensorSpec([None], tensorflow.string, name="text")

    class Several(tensorflow.Module):
        @tensorflow.function(input_signature=[number, text])
        def both(self, numbers, text):  # type: ignore[no-untyped-def]
            return {"twice": 2 * numbers, "same": text, "raw_bytes": text}

        @tensorflow.function(input_signature=[number])
        def total(self, numbers):  # type: ignore[no-untyped-def]
            return {"sum": tensorflow.reduce_sum(numbers), "twice": 2 * numbers}

        @tensorflow.function(input_signature=[text])
        def length(self, text):  # type: ignore[no-untyped-def]
            return {"length": tensorflow.strings.length(text)}

    folder, module = tmp_path_factory.mktemp("several"), Several()
    signatures = {"serving_default": module.both, "total": module.total, "length": module.length}
    tensorflow.saved_model.save(module, str(folder / "1"), signatures=signatures)
    return folder


@pytest.fixture(scope="module")
def both(start_unit, several):
    return start_unit(TENSORFLOW, **parameters(model_uri=several))


def json_data(unit, body):
    return unit.predict({"jsonData": body})["jsonData"]


def reason(unit, body):
    refused = unit.post("/predict", {"jsonData": body})
    assert refused.status == 400, refused.data
    return refused.json()["status"]["info"]


def in_base64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def test_the_highest_version_answers_as_the_library_in_every_form(iris):
    expected = models.train_keras().answers["predict"]

    array = iris.predict({"data": {"ndarray": ROWS}})["data"]["ndarray"]
    rows = json_data(iris, {"instances": ROWS})
    named = json_data(iris, {"instances": [{"x": row} for row in ROWS]})
    columns = json_data(iris, {"inputs": ROWS, "signature_name": "serving_default"})
    by_name = json_data(iris, {"inputs": {"x": ROWS}})
    over_grpc = connect(iris).ask("Model/Predict", {"data": {"ndarray": ROWS}})["data"]["ndarray"]

    assert list(rows) == list(named) == ["predictions"]
    assert list(columns) == list(by_name) == ["outputs"]
    for answer in (
        array,
        over_grpc,
        *rows.values(),
        *named.values(),
        *columns.values(),
        *by_name.values(),
    ):
        np.testing.assert_allclose(answer, expected, rtol=1e-5)


def test_several_inputs_and_outputs_go_by_name_in_rows_and_in_columns(both):
    rows = [{"numbers": [1, 2], "text": "a"}, {"numbers": [3, 4], "text": "ü"}]
    assert json_data(both, {"instances": rows}) == {
        "predictions": [
            {"twice": [2.0, 4.0], "same": "a", "raw_bytes": in_base64(b"a")},
            {"twice": [6.0, 8.0], "same": "ü", "raw_bytes": in_base64("ü".encode())},
        ]
    }
    assert json_data(both, {"inputs": {"numbers": [[1, 2]], "text": ["a"]}}) == {
        "outputs": {"twice": [[2.0, 4.0]], "same": ["a"], "raw_bytes": [in_base64(b"a")]}
    }


def test_bytes_come_in_base64_with_their_last_zeros(start_unit, several):
    unit = start_unit(TENSORFLOW, **parameters(model_uri=several, signature_name="length"))

    assert json_data(unit, {"instances": [in_base64(b"\xff\x00\x00"), in_base64(b"")]}) == {
        "predictions": [3, 0]
    }
    assert reason(unit, {"instances": [{"b64": "not it"}]}) == "b64 holds no base64"


def test_an_answer_that_has_no_rows_goes_by_columns_alone(start_unit, several):
    told = parameters(model_uri=several, signature_name="total", model_output="twice")
    unit = start_unit(TENSORFLOW, **told)

    assert unit.predict({"data": {"ndarray": [[1, 2]]}})["data"]["ndarray"] == [[2.0, 4.0]]
    outputs = json_data(unit, {"inputs": [[1, 2], [3, 4]]})["outputs"]
    assert outputs == {"sum": 10.0, "twice": [[2.0, 4.0], [6.0, 8.0]]}
    assert "sum has not one row" in reason(unit, {"instances": [[1, 2], [3, 4]]})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "either instances or inputs"),
        ({"instances": [], "inputs": []}, "either instances or inputs"),
        ({"instances": []}, "no list of rows"),
        ({"instances": {"x": 1}}, "no list of rows"),
        ({"instances": [{"x": [1, 2, 3, 4]}, [1, 2, 3, 4]]}, "the same inputs"),
        ({"instances": [{"y": [1, 2, 3, 4]}]}, "expected x"),
        ({"instances": [[1, 2, 3, 4], [1]]}, "differ in length"),
        ({"instances": [["a", "b", "c", "d"]]}, "does not fit FP32"),
        ({"instances": ROWS, "signature_name": "other"}, "serving_default is served here"),
    ],
)
def test_a_request_that_tensorflow_serving_would_not_take_is_400_with_its_reason(iris, body, why):
    assert why in reason(iris, body)


def test_a_shape_that_the_model_does_not_take_is_400(iris):
    assert reason(iris, {"instances": [[1, 2], [3, 4]]})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"model_input": "words"}, "no input words: it has"),
        ({"model_output": "score"}, "no output score: it has"),
        ({"signature_name": "score"}, "no signature score: it has"),
    ],
)
def test_a_name_that_the_model_does_not_have_ends_the_unit(run_server, several, told, why):
    result = run_server(TENSORFLOW, "--http-port", "0", **parameters(model_uri=several, **told))

    assert result.returncode == 1
    assert why in result.stderr.strip().splitlines()[-1]


def test_a_model_without_a_version_is_told_as_on_a_cluster(run_server, several):
    told = parameters(model_uri=several / "1")

    result = run_server(TENSORFLOW, "--http-port", "0", **told)

    assert result.returncode == 1
    assert "TensorFlow Serving reads NUMBER/saved_model.pb" in result.stderr.splitlines()[-1]
