"""MLflow folders of several flavors: predictions equal the flavor's own, through both protocols."""

from __future__ import annotations

import models
import numpy as np
import pytest
from unit_process import parameters

MLFLOW = "seldon_deployer.server.mlflow.MLflowServer"
NAMES = ["a", "b", "c", "d"]
ROWS = {"data": {"ndarray": models.ROWS.tolist()}}
V2_ROWS = {
    "inputs": [
        {"name": "x", "shape": [4, 4], "datatype": "FP64", "data": models.ROWS.ravel().tolist()}
    ]
}


def columns_of(frame):
    kinds = {"f": "FP64", "i": "INT64", "b": "BOOL"}
    return [
        {
            "name": name,
            "shape": [len(frame), 1],
            "datatype": kinds.get(frame[name].dtype.kind, "BYTES"),
            "data": frame[name].tolist(),
        }
        for name in frame.columns
    ]


@pytest.fixture(scope="module")
def mlflow():
    models.library("mlflow.pyfunc")
    return models.library("mlflow")


@pytest.mark.parametrize("flavor", ["sklearn", "xgboost", "lightgbm"])
def test_each_flavor_answers_as_its_library_in_both_protocols(start_unit, tmp_path, flavor):
    folder = models.train_mlflow().save(flavor, tmp_path / "model")
    expected = {
        "sklearn": models.train_sklearn,
        "xgboost": models.train_xgboost_classifier,
        "lightgbm": models.train_lightgbm,
    }[flavor]().answers["predict"]
    unit = start_unit(MLFLOW, PREDICTIVE_UNIT_ID="iris", **parameters(model_uri=folder))
    answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
    np.testing.assert_allclose(answer, expected, rtol=1e-6)
    [output] = unit.infer(V2_ROWS)
    assert output["name"] == "output-1"
    answer = np.array(output["data"]).reshape(output["shape"])
    np.testing.assert_allclose(answer, expected.reshape(answer.shape), rtol=1e-6)
    assert unit.get("/v2/models/iris").json()["platform"] == "mlflow"
    # Numbers of features that do not fit are the caller's.
    assert unit.post("/predict", {"data": {"ndarray": [[1.0, 2.0]]}}).status == 400


@pytest.fixture(scope="module")
def signed(mlflow, tmp_path_factory):
    """A model of a frame with a signature: numbers of three types, text and truth."""
    pandas = models.library("pandas")
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    class Total(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            kinds = [str(dtype) for dtype in model_input.dtypes]
            assert kinds[:4] == ["float64", "float32", "int64", "bool"], kinds
            numbers = model_input["double"] + model_input["float"] + model_input["long"]
            return pandas.DataFrame(
                {
                    "total": numbers,
                    "word": model_input["text"].str.upper(),
                    "not": ~model_input["truth"],
                }
            )

    kinds = [("double", "double"), ("float", "float"), ("long", "long"), ("boolean", "truth")]
    columns = [ColSpec(kind, name) for kind, name in [*kinds, ("string", "text")]]
    folder = tmp_path_factory.mktemp("mlflow") / "signed"
    with models.quiet():
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=Total(),
            signature=ModelSignature(inputs=Schema(columns)),
            pip_requirements=[],
        )
    return folder


def test_a_signature_finds_columns_by_name_and_gives_them_its_types(start_unit, signed):
    pandas = models.library("pandas")
    frame = pandas.DataFrame(
        {
            "double": [1.5, 2.5],
            "float": [0.25, 4.0],
            "long": [3, 4],
            "truth": [True, False],
            "text": ["red", "blue"],
        }
    )
    expected = {"total": [4.75, 10.5], "word": ["RED", "BLUE"], "not": [False, True]}
    unit = start_unit(MLFLOW, PREDICTIVE_UNIT_ID="total", **parameters(model_uri=signed))
    turned = frame[list(frame.columns)[::-1]]
    for names, rows in (
        ([], frame.to_numpy().tolist()),
        (list(frame.columns), frame.to_numpy().tolist()),
        (list(turned.columns), turned.to_numpy().tolist()),
    ):
        answer = unit.predict({"data": {"names": names, "ndarray": rows}})["data"]
        assert answer["names"] == list(expected)
        assert answer["ndarray"] == [list(row) for row in zip(*expected.values(), strict=True)]
    answer = unit.predict({"jsonData": frame.to_dict("list")})["data"]
    assert [row[0] for row in answer["ndarray"]] == expected["total"]

    request = {"inputs": columns_of(turned), "parameters": {"content_type": "pd"}}
    outputs = {output["name"]: output for output in unit.infer(request)}
    assert {name: output["data"] for name, output in outputs.items()} == expected
    kinds = [output["datatype"] for output in outputs.values()]
    assert kinds == ["FP64", "BYTES", "BOOL"]
    [word] = unit.infer({**request, "outputs": [{"name": "word"}]})
    assert (word["data"], word["shape"]) == (expected["word"], [2, 1])

    described = unit.get("/v2/models/total").json()["inputs"]
    assert [(each["name"], each["datatype"]) for each in described] == [
        ("double", "FP64"),
        ("float", "FP32"),
        ("long", "INT64"),
        ("truth", "BOOL"),
        ("text", "BYTES"),
    ]
    missing = frame.drop(columns=["text"])
    refused = unit.post("/v2/models/infer", {"inputs": columns_of(missing)})
    assert refused.status == 400
    assert "text" in refused.json()["error"]
    halves = columns_of(frame.assign(long=[0.5, 1.0]))
    refused = unit.post("/v2/models/infer", {"inputs": halves})
    assert (refused.status, refused.json()) == (
        400,
        {"error": "the input long does not fit INT64"},
    )


def test_a_tensor_signature_takes_its_dtype(start_unit, mlflow, tmp_path):
    from mlflow.models import infer_signature

    class Echo(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            assert str(model_input.dtype) == "float32"
            return model_input * 2

    example = np.zeros((1, 4), "float32")
    with models.quiet():
        mlflow.pyfunc.save_model(
            str(tmp_path / "model"),
            python_model=Echo(),
            signature=infer_signature(example, example),
            pip_requirements=[],
        )
    unit = start_unit(MLFLOW, PREDICTIVE_UNIT_ID="echo", **parameters(model_uri=tmp_path / "model"))
    answer = unit.predict(ROWS)["data"]["ndarray"]
    np.testing.assert_array_equal(np.array(answer, "float32"), models.ROWS * 2)
    [output] = unit.infer(V2_ROWS)
    assert (output["datatype"], output["shape"]) == ("FP32", [4, 4])
    described = unit.get("/v2/models/echo").json()
    assert described["inputs"] == [{"name": "input-0", "datatype": "FP32", "shape": [-1, 4]}]
    assert described["outputs"] == [{"name": "output-1", "datatype": "FP32", "shape": [-1, 4]}]


def test_xtype_chooses_between_arrays_and_frames(start_unit, run_server, mlflow, tmp_path):
    class Kind(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            names = [str(name) for name in getattr(model_input, "columns", [])]
            return {"kind": type(model_input).__name__, "names": names, "row": model_input.shape}

    with models.quiet():
        mlflow.pyfunc.save_model(str(tmp_path / "model"), python_model=Kind(), pip_requirements=[])
    message = {"data": {"names": NAMES, "ndarray": models.ROWS.tolist()}}
    for given, kind, names in (
        ({}, "ndarray", []),
        ({"xtype": "ndarray"}, "ndarray", []),
        ({"xtype": "DataFrame"}, "DataFrame", NAMES),
    ):
        unit = start_unit(MLFLOW, **parameters(model_uri=tmp_path / "model", **given))
        answer = unit.predict(message)["jsonData"]
        assert (answer["kind"], answer["names"], answer["row"]) == (kind, names, [4, 4])
    result = run_server(
        MLFLOW, "--http-port", "0", **parameters(model_uri=tmp_path / "model", xtype="frame")
    )
    assert result.returncode == 2
    assert "unknown xtype 'frame'" in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("flavors: [", "cannot read the model MLmodel"),
        ("flavors: {}\n", "cannot read the model MLmodel"),
        (
            "flavors:\n  python_function:\n    loader_module: nowhere_to_be_found\n",
            "it needs the module nowhere_to_be_found, which is not installed",
        ),
    ],
)
def test_a_folder_that_mlflow_cannot_load_ends_the_start(run_server, tmp_path, content, words):
    (tmp_path / "MLmodel").write_text(content)
    result = run_server(MLFLOW, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1, result.stderr
    assert words in result.stderr.strip().splitlines()[-1]
