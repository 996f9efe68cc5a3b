"""Models of named tensors: predictions equal the library's own, through both protocols."""

from __future__ import annotations

import collections

import models
import numpy as np
import pytest
from unit_process import parameters

SERVER = "seldon_deployer.server."
PYTORCH = f"{SERVER}pytorch.PyTorchServer"
ONNX = f"{SERVER}onnx.ONNXServer"
KERAS = f"{SERVER}keras.KerasServer"
ROWS = {"data": {"ndarray": models.ROWS.tolist()}}
FP32_ROWS = {
    "name": "whatever",
    "shape": [4, 4],
    "datatype": "FP32",
    "data": models.ROWS.ravel().tolist(),
}
# (server, train, form, name of its input, name of its output)
ONE_INPUT = [
    (PYTORCH, models.train_pytorch, "torchscript", "input", "output_0"),
    (PYTORCH, models.train_pytorch, "export", "input", "output_0"),
    (ONNX, models.train_onnx, "onnx", "x", "probabilities"),
    (KERAS, models.train_keras, "zenml", "x", "output_0"),
    (KERAS, models.train_keras, "h5", "x", "output_0"),
    (KERAS, models.train_keras, "savedmodel", "x", "output_0"),
    (KERAS, models.train_keras, "version folder", "x", "output_0"),
]


def array_of(output):
    return np.array(output["data"]).reshape(output["shape"])


@pytest.mark.parametrize(("server", "train", "form", "given", "answered"), ONE_INPUT)
def test_one_input_is_answered_as_by_the_library_in_both_protocols(
    start_unit, tmp_path, server, train, form, given, answered
):
    trained = train()
    folder = trained.save(form, tmp_path / "model")
    unit = start_unit(server, PREDICTIVE_UNIT_ID="iris", **parameters(model_uri=folder))
    expected = trained.answers["predict"]

    answer = np.array(unit.predict(ROWS)["data"]["ndarray"])
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    tensor = {"shape": [4, 4], "values": models.ROWS.ravel().tolist()}
    flat = unit.predict({"data": {"tensor": tensor}})["data"]["tensor"]
    np.testing.assert_allclose(array_of({**flat, "data": flat["values"]}), expected, rtol=1e-5)

    # The name of the model's own, any other one for a lone input, and columns of a frame.
    columns = [
        {"name": f"c{i}", "shape": [4, 1], "datatype": "FP64", "data": models.ROWS[:, i].tolist()}
        for i in range(4)
    ]
    for inputs, more in (
        ([{**FP32_ROWS, "name": given}], {"outputs": [{"name": answered}]}),
        ([{**FP32_ROWS, "datatype": "FP64"}], {}),
        (columns, {"parameters": {"content_type": "pd"}}),
    ):
        [output] = unit.infer({"inputs": inputs, **more})
        assert (output["name"], output["datatype"]) == (answered, "FP32")
        assert output["shape"] == [4, 3]
        np.testing.assert_allclose(array_of(output), expected, rtol=1e-5)

    # Whole numbers are numbers: JSON does not tell 5 from 5.0.
    assert unit.predict({"data": {"ndarray": [[5, 3, 1, 0]]}})["data"]["ndarray"]

    for path, body in (
        ("/predict", {"data": {"ndarray": [[1.0, 2.0]]}}),
        ("/predict", {"data": {"ndarray": [["a", "b", "c", "d"]]}}),
        ("/predict", {"strData": "a"}),
        ("/predict", {"jsonData": {"nope": [[1, 2, 3, 4]]}}),
        ("/predict", {"jsonData": {given: [[1, 2], [3]]}}),
        ("/v2/models/iris/infer", {"inputs": [{**FP32_ROWS, "shape": [8, 2]}]}),
        ("/v2/models/iris/infer", {"inputs": [FP32_ROWS], "outputs": [{"name": "nope"}]}),
    ):
        refused = unit.post(path, body)
        assert refused.status == 400, (body, refused.data)
        assert "Traceback" not in refused.data.decode()
    answer = unit.predict({"jsonData": {given: models.ROWS.tolist()}})
    np.testing.assert_allclose(answer["data"]["tensor"]["values"], expected.ravel(), rtol=1e-5)

    described = unit.get("/v2/models/iris").json()
    if form != "torchscript":  # which knows names alone
        batch = [-1, 4]
        assert described["inputs"] == [{"name": given, "datatype": "FP32", "shape": batch}]
        assert described["outputs"] == [{"name": answered, "datatype": "FP32", "shape": [-1, 3]}]
        assert unit.get("/metadata").json()["inputs"] == described["inputs"]


@pytest.fixture(scope="module")
def onnx_kinds(start_unit, tmp_path_factory):
    """A model that answers each of its inputs with itself, one of every datatype."""
    onnx = models.library("onnx")
    node, value, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
        [node("Identity", [name], [f"{name}_out"]) for name, *_ in KINDS],
        "kinds",
        [value(name, getattr(kind, element), ["n"]) for name, element, *_ in KINDS],
        [value(f"{name}_out", getattr(kind, element), ["n"]) for name, element, *_ in KINDS],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)])
    model.ir_version = 7
    folder = tmp_path_factory.mktemp("kinds")
    onnx.save(model, folder / "model.onnx")
    return start_unit(ONNX, **parameters(model_uri=folder))


KINDS = [
    ("bool", "BOOL", "BOOL", [True, False]),
    ("int8", "INT8", "INT8", [-128, 127]),
    ("int16", "INT16", "INT16", [-32768, 32767]),
    ("int32", "INT32", "INT32", [-(2**31), 2**31 - 1]),
    ("int64", "INT64", "INT64", [-(2**63), 2**63 - 1]),
    ("uint8", "UINT8", "UINT8", [0, 255]),
    ("uint16", "UINT16", "UINT16", [0, 65535]),
    ("uint32", "UINT32", "UINT32", [0, 2**32 - 1]),
    ("uint64", "UINT64", "UINT64", [0, 2**64 - 1]),
    ("fp16", "FLOAT16", "FP16", [0.5, -65504.0]),
    ("fp32", "FLOAT", "FP32", [1.5, -0.25]),
    ("fp64", "DOUBLE", "FP64", [1e300, 0.1]),
    ("text", "STRING", "BYTES", ["ü", ""]),
]


def test_every_datatype_goes_through_a_model_of_many_tensors_unchanged(onnx_kinds):
    inputs = [
        {"name": name, "shape": [2], "datatype": datatype, "data": data}
        for name, _, datatype, data in reversed(KINDS)
    ]
    outputs = {output["name"]: output for output in onnx_kinds.infer({"inputs": inputs})}
    assert list(outputs) == [f"{name}_out" for name, *_ in KINDS]
    for name, _, datatype, data in KINDS:
        output = outputs[f"{name}_out"]
        assert (output["datatype"], output["shape"]) == (datatype, [2])
        assert output["data"] == data
    wanted = [{"name": "text_out"}, {"name": "bool_out"}]
    some = onnx_kinds.infer({"inputs": inputs, "outputs": wanted})
    assert [output["name"] for output in some] == ["text_out", "bool_out"]


def test_a_seldon_message_names_several_inputs_in_json_data(onnx_kinds):
    given = {name: data for name, _, _, data in KINDS} | {"uint64": [0, 2**53]}
    answer = onnx_kinds.predict({"jsonData": given})["jsonData"]
    assert answer == {f"{name}_out": data for name, data in given.items()}
    refused = onnx_kinds.post("/predict", {"data": {"ndarray": [[1]]}})
    assert refused.status == 400
    assert "several inputs" in refused.json()["status"]["info"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("int8", [128, 0]),
        ("uint8", [-1, 0]),
        ("int32", [0.5, 1.0]),
        ("bool", [2, 0]),
        ("fp32", [1e300, 0.0]),
        ("fp32", ["a", "b"]),
        ("text", [1, 2]),
    ],
)
def test_values_that_do_not_fit_an_input_are_400_with_its_name(onnx_kinds, name, data):
    given = {each: values for each, _, _, values in KINDS} | {"uint64": [0, 1], name: data}
    refused = onnx_kinds.post("/predict", {"jsonData": given})
    assert refused.status == 400
    assert f"the input {name} does not fit" in refused.json()["status"]["info"]


def test_an_onnx_classifier_with_maps_answers_columns_and_names_one_output(start_unit, tmp_path):
    """As converters of scikit-learn write it: labels, and a sequence of maps."""
    onnx, onnxruntime = models.library("onnx"), models.library("onnxruntime")
    node, value, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto
    classes = {"classlabels_strings": ["no", "yes"], "domain": "ai.onnx.ml"}
    scores = onnx.helper.make_tensor_type_proto(kind.FLOAT, [])
    maps = onnx.helper.make_sequence_type_proto(
        onnx.helper.make_map_type_proto(kind.STRING, scores)
    )
    graph = onnx.helper.make_graph(
        [
            node(
                "LinearClassifier",
                ["x"],
                ["label", "scores"],
                coefficients=[1.0, 0.0, 0.0, 1.0],
                intercepts=[0.0, 0.5],
                post_transform="SOFTMAX",
                **classes,
            ),
            node("ZipMap", ["scores"], ["probability"], **classes),
        ],
        "classifier",
        [value("x", kind.FLOAT, ["n", 2])],
        [
            value("label", kind.STRING, ["n"]),
            onnx.helper.make_value_info("probability", maps),
        ],
    )
    opsets = [onnx.helper.make_opsetid("", 14), onnx.helper.make_opsetid("ai.onnx.ml", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 7
    onnx.save(model, tmp_path / "model.onnx")
    rows = np.array([[3.0, 1.0], [0.0, 4.0]], dtype=np.float32)
    session = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    labels, answers = session.run(None, {"x": rows})
    expected = [[row["no"], row["yes"]] for row in answers]

    unit = start_unit(ONNX, **parameters(model_uri=tmp_path))
    answer = unit.predict({"data": {"ndarray": rows.tolist()}})["jsonData"]
    assert answer["label"] == labels.tolist() == ["no", "yes"]
    np.testing.assert_allclose(answer["probability"], expected, rtol=1e-6)
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": rows.tolist()}
    label, probability = unit.infer({"inputs": [tensor]})
    assert (label["datatype"], label["data"]) == ("BYTES", ["no", "yes"])
    np.testing.assert_allclose(array_of(probability), expected, rtol=1e-6)

    unit = start_unit(ONNX, **parameters(model_uri=tmp_path, output="probability"))
    answer = unit.predict({"data": {"ndarray": rows.tolist()}})["data"]["ndarray"]
    np.testing.assert_allclose(answer, expected, rtol=1e-6)


def test_torchscript_takes_the_dtype_that_it_is_told_and_names_what_a_dict_names(
    start_unit, tmp_path
):
    torch = models.library("torch")

    class Lookup(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(10, 3).double()

        def forward(self, words, weights):  # type: ignore[no-untyped-def]
            found = self.table(words.long()) * weights.unsqueeze(-1)
            return {"found": found, "kind": words}

    torch.manual_seed(3)
    model = Lookup().eval()
    words, weights = [[1, 2], [9, 0]], [[1.0, 0.5], [2.0, 0.25]]
    with torch.no_grad():
        expected = model(torch.tensor(words), torch.tensor(weights, dtype=torch.float64))["found"]
    with models.quiet():
        torch.jit.trace(
            model,
            (torch.tensor(words), torch.tensor(weights, dtype=torch.float64)),
            strict=False,
        ).save(tmp_path / "model.pt")
    unit = start_unit(PYTORCH, **parameters(model_uri=tmp_path, dtype="int64,float64"))
    answer = unit.predict({"jsonData": {"words": words, "weights": weights}})["jsonData"]
    np.testing.assert_allclose(answer["found"], expected.numpy(), rtol=1e-12)
    assert answer["kind"] == words
    inputs = [
        {"name": "weights", "shape": [2, 2], "datatype": "FP64", "data": weights},
        {"name": "words", "shape": [2, 2], "datatype": "INT64", "data": words},
    ]
    found, kind = unit.infer({"inputs": inputs})
    assert (found["name"], found["datatype"], found["shape"]) == ("found", "FP64", [2, 2, 3])
    np.testing.assert_allclose(array_of(found), expected.numpy(), rtol=1e-12)
    assert (kind["name"], kind["datatype"]) == ("kind", "INT64")


def test_keras_models_of_several_inputs_answer_by_name(start_unit, tmp_path):
    keras = models.library("keras")
    models.library("tensorflow")
    with models.quiet():
        left = keras.Input((2,), name="left")
        right = keras.Input((2,), name="right", dtype="int32")
        code = keras.layers.CategoryEncoding(3, output_mode="multi_hot")(right)
        both = keras.layers.Concatenate()([left, code])
        answers = {
            "score": keras.layers.Dense(1, name="score")(both),
            "kind": keras.layers.Dense(2, name="kind")(both),
        }
        model = keras.Model({"left": left, "right": right}, answers)
        given = {"left": [[1.0, 2.0], [3.0, 4.0]], "right": [[0, 1], [2, 2]]}
        expected = model.predict(
            {"left": np.array(given["left"], "float32"), "right": np.array(given["right"])},
            verbose=0,
        )
        folder = tmp_path / "keras"
        folder.mkdir()
        model.save(folder / "model.keras")
        model.export(str(tmp_path / "exported" / "3"), verbose=False)
    inputs = [
        {"name": "right", "shape": [2, 2], "datatype": "INT32", "data": given["right"]},
        {"name": "left", "shape": [2, 2], "datatype": "FP32", "data": given["left"]},
    ]
    for place in (folder, tmp_path / "exported"):
        unit = start_unit(KERAS, **parameters(model_uri=place))
        answer = unit.predict({"jsonData": given})["jsonData"]
        outputs = {output["name"]: output for output in unit.infer({"inputs": inputs})}
        assert set(answer) == set(outputs) == {"score", "kind"}
        for name, array in expected.items():
            np.testing.assert_allclose(answer[name], array, rtol=1e-5)
            np.testing.assert_allclose(array_of(outputs[name]), array, rtol=1e-5)


def test_a_saved_model_of_text_is_served_through_the_signature_that_is_named(
    start_unit, run_server, tmp_path
):
    tensorflow = models.library("tensorflow")

    class Shout(tensorflow.Module):
        @tensorflow.function(
            input_signature=[tensorflow.TensorSpec([None], tensorflow.string, name="text")]
        )
        def shout(self, text):  # type: ignore[no-untyped-def]
            return {"loud": tensorflow.strings.upper(text, encoding="utf-8")}

    module = Shout()
    tensorflow.saved_model.save(module, str(tmp_path), signatures={"shout": module.shout})
    unit = start_unit(KERAS, **parameters(model_uri=tmp_path, signature_name="shout"))
    answer = unit.predict({"data": {"ndarray": ["one", "zwölf"]}})
    assert answer["data"]["ndarray"] == ["ONE", "ZWÖLF"]
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["one", "zwölf"]}
    [output] = unit.infer({"inputs": [tensor]})
    assert (output["datatype"], output["data"]) == ("BYTES", ["ONE", "ZWÖLF"])

    result = run_server(KERAS, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1
    assert "no signature serving_default: it has shout" in result.stderr.strip().splitlines()[-1]


def test_a_keras_model_with_code_of_its_own_runs_it_only_where_it_is_allowed(
    start_unit, run_server, tmp_path
):
    keras = models.library("keras")
    models.library("tensorflow")
    with models.quiet():
        given = keras.Input((2,))
        model = keras.Model(given, keras.layers.Lambda(lambda x: x * 3)(given))
        model.save(tmp_path / "model.keras")
    result = run_server(KERAS, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1
    assert "cannot read the model model.keras" in result.stderr.strip().splitlines()[-1]
    assert "safe_mode=false allows Lambda layers" in result.stderr
    unit = start_unit(KERAS, **parameters(model_uri=tmp_path, safe_mode=False))
    assert unit.predict({"data": {"ndarray": [[1, 2]]}})["data"]["ndarray"] == [[3.0, 6.0]]


Broken = collections.namedtuple("Broken", ["server", "file", "content"])


@pytest.mark.parametrize(
    "broken",
    [
        Broken(ONNX, "model.onnx", b"no model"),
        Broken(PYTORCH, "model.pt", b"no model"),
        Broken(PYTORCH, "model.pt2", b"no model"),
        Broken(KERAS, "model.keras", b"no model"),
        Broken(KERAS, "model.h5", b"no model"),
        Broken(KERAS, "saved_model.pb", b"no model"),
    ],
    ids=lambda broken: broken.file,
)
def test_a_file_that_is_no_model_ends_the_start_with_its_reason(run_server, tmp_path, broken):
    (tmp_path / broken.file).write_bytes(broken.content)
    result = run_server(broken.server, "--http-port", "0", **parameters(model_uri=tmp_path))
    assert result.returncode == 1, result.stderr
    assert f"cannot read the model {broken.file}" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("form", ["whole module", "state dict"])
def test_what_pytorch_saves_by_default_is_refused_with_how_to_save(run_server, tmp_path, form):
    folder = models.train_pytorch().save(form, tmp_path / "model")
    result = run_server(PYTORCH, "--http-port", "0", **parameters(model_uri=folder))
    assert result.returncode == 1
    assert "cannot read the model model.pt" in result.stderr.strip().splitlines()[-1]
    assert "torch.jit.save" in result.stderr
