"""Triton model repositories: predictions equal the library's own, under the configured names."""

from __future__ import annotations

import re
import shutil

import models
import numpy as np
import pytest
from grpc_unit import connect, infer_request
from unit_process import parameters

from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.triton import TritonServer

TRITON = "seldon_deployer.server.triton.TritonServer"
TORCH_CONFIG = """
platform: "pytorch_libtorch"
max_batch_size: 8
input [
  {
    name: "INPUT__0"
    data_type: TYPE_FP32
    dims: [ 4 ]
  }
]
output [
  {
    name: "OUTPUT__0"
    data_type: TYPE_FP32
    dims: [ 3 ]
  }
]
# What an instance is, the embedded runtime says itself.
instance_group [ { kind: KIND_CPU count: 2 } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] }
parameters [ { key: "INFERENCE_MODE" value: { string_value: "true" } } ]
"""
# (train, form, its platform in Triton's words, name of its input, name of its output)
KINDS = [
    (models.train_onnx, "onnx", "onnxruntime_onnx", "x", "probabilities"),
    (models.train_pytorch, "torchscript", "pytorch_libtorch", "INPUT__0", "OUTPUT__0"),
    (models.train_keras, "savedmodel", "tensorflow_savedmodel", "x", "output_0"),
]


def rows_of(name, array):
    datatype = {"f4": "FP32", "f8": "FP64", "i8": "INT64"}[array.dtype.str[1:]]
    values = array.ravel().tolist()
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": values}


def array_of(output):
    return np.array(output["data"]).reshape(output["shape"])


def write_model(folder, file, *, config=None):
    """A version of a model; config: the text beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    if file.is_dir():
        shutil.copytree(file, folder / "model.savedmodel")
    else:
        shutil.copyfile(file, folder / file.name)
    if config is not None:
        (folder.parent / "config.pbtxt").write_text(config)


def save_onnx(folder, factor, *, name="model.onnx", shape=("n",)):
    """A model that multiplies by a factor; the factor tells which model answered."""
    onnx = models.library("onnx")
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Mul", ["x", "factor"], ["y"])],
        "times",
        [value("x", kind.FLOAT, shape)],
        [value("y", kind.FLOAT, shape)],
        [onnx.numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)])
    model.ir_version = 7
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / name)


def factor_of(unit):
    [output] = unit.infer({"inputs": [rows_of("x", np.array([1.0], np.float32))]})
    return output["data"][0]


@pytest.mark.parametrize(("train", "form", "platform", "given", "answered"), KINDS)
def test_what_is_laid_out_for_triton_predicts_as_its_library_over_rest_and_grpc(
    start_unit, tmp_path, train, form, platform, given, answered
):
    artifact = train().save(form, tmp_path / "artifact")
    if train is models.train_pytorch:
        (artifact / "config.pbtxt").write_text(TORCH_CONFIG)
    served = prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name="iris")
    unit = start_unit(
        TRITON,
        *("--grpc-port", "0"),
        PREDICTIVE_UNIT_ID="iris",
        MLSERVER_MODEL_URI=str(served.path),
    )
    expected = train().answers["predict"]

    [output] = unit.infer({"inputs": [rows_of(given, models.ROWS)]})
    assert (output["name"], output["datatype"]) == (answered, "FP32")
    np.testing.assert_allclose(array_of(output), expected, rtol=1e-5)
    # Of one input the name is the client's affair, and no value is lost in a double.
    [output] = unit.infer({"inputs": [rows_of("any", models.ROWS.astype("f8"))]})
    np.testing.assert_allclose(array_of(output), expected, rtol=1e-5)

    request = infer_request(**{given: ("FP32", [4, 4], models.ROWS.tobytes())})
    answer = connect(unit).infer(request)
    assert (answer.outputs[0].name, list(answer.outputs[0].shape)) == (answered, [4, 3])
    found = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(4, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)

    described = unit.get("/v2/models/iris").json()
    assert described["platform"] == platform
    assert described["inputs"] == [{"name": given, "datatype": "FP32", "shape": [-1, 4]}]
    assert described["outputs"] == [{"name": answered, "datatype": "FP32", "shape": [-1, 3]}]


@pytest.mark.parametrize(("train", "form", "platform", "given", "answered"), KINDS)
def test_a_repository_without_a_configuration_is_served_by_what_its_file_is(
    start_unit, tmp_path, train, form, platform, given, answered
):
    saved = train().save(form, tmp_path / "saved")
    write_model(tmp_path / "iris" / "1", saved if form == "savedmodel" else next(saved.iterdir()))
    unit = start_unit(TRITON, **parameters(model_uri=tmp_path))

    [output] = unit.infer({"inputs": [rows_of(given, models.ROWS)]})

    assert output["name"] == answered
    np.testing.assert_allclose(array_of(output), train().answers["predict"], rtol=1e-5)
    assert ("wants a config.pbtxt" in unit.log.read_text()) == (train is models.train_pytorch)


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("", 10.0),
        ("version_policy: { latest { num_versions: 2 } }", 10.0),
        # One that is not there is passed over.
        ("version_policy { specific { versions: [2, 77] } }", 2.0),
    ],
)
def test_the_highest_version_that_may_be_served_is(start_unit, tmp_path, policy, served):
    for version in (2, 9, 10):
        save_onnx(tmp_path / "m" / str(version), version)
    # Triton passes over these.
    for other in ("012", "latest"):
        save_onnx(tmp_path / "m" / other, 99)
    (tmp_path / "m" / "config.pbtxt").write_text(f'backend: "onnxruntime"\n{policy}')

    unit = start_unit(TRITON, **parameters(model_uri=tmp_path))

    assert factor_of(unit) == served


def test_of_several_models_the_units_own_is_served(start_unit, tmp_path):
    for factor, name in enumerate(("first", "second"), start=1):
        save_onnx(tmp_path / name / "1", factor)

    for factor, name in enumerate(("first", "second"), start=1):
        unit = start_unit(TRITON, PREDICTIVE_UNIT_ID=name, **parameters(model_uri=tmp_path))
        assert factor_of(unit) == factor
        told = start_unit(TRITON, **parameters(model_uri=tmp_path, model_name=name))
        assert factor_of(told) == factor


def test_the_only_model_is_served_under_another_name_with_a_warning(start_unit, tmp_path):
    save_onnx(tmp_path / "one" / "1", 3)

    unit = start_unit(TRITON, PREDICTIVE_UNIT_ID="flowers", **parameters(model_uri=tmp_path))

    assert factor_of(unit) == 3
    assert unit.get("/v2/models/flowers").status == 200
    assert "the model one is served as flowers" in unit.log.read_text()


def test_a_file_of_another_name_and_a_folder_of_files_are_found(start_unit, tmp_path):
    save_onnx(tmp_path / "a" / "named" / "1", 4, name="net.onnx")
    (tmp_path / "a" / "named" / "config.pbtxt").write_text('default_model_filename: "net.onnx"')
    save_onnx(tmp_path / "b" / "folder" / "1" / "model.onnx", 5)

    assert factor_of(start_unit(TRITON, **parameters(model_uri=tmp_path / "a"))) == 4
    assert factor_of(start_unit(TRITON, **parameters(model_uri=tmp_path / "b"))) == 5


def test_a_scalar_of_the_model_has_a_size_for_clients(start_unit, tmp_path):
    """As our own layout describes it, since Triton wants each tensor to have a size."""
    save_onnx(tmp_path / "artifact", 6, shape=())
    served = prepare(tmp_path / "artifact", protocol="v2", implementation="TRITON_SERVER")
    unit = start_unit(TRITON, **parameters(model_uri=served.path))

    [output] = unit.infer({"inputs": [rows_of("x", np.array([7.0], np.float32))]})

    assert (output["shape"], output["data"]) == ([1], [42.0])


def test_a_batch_has_the_shapes_and_no_more_rows_than_are_configured(start_unit, tmp_path):
    save_onnx(tmp_path / "m" / "1", 2, shape=("n", "a", 2))
    config = """max_batch_size: 3
        input { name: "x" data_type: TYPE_FP32 dims: [ -1, 1, 2 ] reshape { shape: [ -1, 2 ] } }
        output { name: "y" data_type: TYPE_FP32 dims: [ 2, -1 ] reshape { shape: [ -1, 2 ] } }"""
    (tmp_path / "m" / "config.pbtxt").write_text(config)
    unit = start_unit(TRITON, PREDICTIVE_UNIT_ID="m", **parameters(model_uri=tmp_path))
    given = np.arange(30, dtype=np.float32)

    [output] = unit.infer({"inputs": [rows_of("x", given.reshape(3, 5, 1, 2))]})
    assert output["shape"] == [3, 2, 5]
    np.testing.assert_array_equal(output["data"], given * 2)

    for array, words in (
        (given[:24].reshape(4, 3, 1, 2), "a batch of 4; config.pbtxt allows 3"),
        (given.reshape(3, 5, 2), "the shape [3, 5, 2]; [-1, -1, 1, 2] is wanted"),
        (given.reshape(3, 5, 2, 1), "the shape [3, 5, 2, 1]; [-1, -1, 1, 2] is wanted"),
    ):
        refused = unit.post("/v2/models/m/infer", {"inputs": [rows_of("x", array)]})
        assert refused.status == 400
        assert words in refused.json()["error"]


def torch_of_two_inputs(folder):
    """(words, weights) -> (words of the table, weighted; the words as they came)."""
    torch = models.library("torch")

    class Lookup(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(10, 3).double()

        def forward(self, words, weights):  # type: ignore[no-untyped-def]
            return self.table(words) * weights.unsqueeze(-1), words

    torch.manual_seed(3)
    model = Lookup().eval()
    words, weights = torch.tensor([[1, 2], [9, 0]]), torch.tensor([[1.0, 0.5], [2.0, 0.25]])
    folder.mkdir(parents=True)
    with models.quiet(), torch.no_grad():
        torch.jit.trace(model, (words, weights.double())).save(folder / "model.pt")
        return words.numpy(), weights.numpy(), model(words, weights.double())[0].numpy()


@pytest.mark.parametrize(
    ("words_name", "weights_name"),
    [("ID__0", "SCALE__1"), ("words", "weights"), ("INPUT__0", "INPUT__1")],
)
def test_torchscript_takes_its_inputs_by_position_or_by_its_own_names(
    start_unit, tmp_path, words_name, weights_name
):
    words, weights, expected = torch_of_two_inputs(tmp_path / "m" / "1")
    # The other way round than the model has them, and one of two outputs.
    (tmp_path / "m" / "config.pbtxt").write_text(f"""
        backend: "pytorch"
        input [
          {{ name: "{weights_name}" data_type: TYPE_FP64 dims: [ 2, -1 ] }},
          {{ name: "{words_name}" data_type: TYPE_INT64 dims: [ 2, -1 ] }}
        ]
        output {{ name: "found__0" data_type: TYPE_FP64 dims: [ 2, -1, 3 ] }}""")
    unit = start_unit(TRITON, **parameters(model_uri=tmp_path))
    given = [rows_of(words_name, words), rows_of(weights_name, weights.astype("f4"))]

    [found] = unit.infer({"inputs": given})

    assert (found["name"], found["datatype"], found["shape"]) == ("found__0", "FP64", [2, 2, 3])
    np.testing.assert_allclose(array_of(found), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            TORCH_CONFIG.replace("OUTPUT__0", "OUTPUT__1"),
            "has the outputs OUTPUT__1: the model has 1",
        ),
        (
            "TYPE_FP64".join(TORCH_CONFIG.rsplit("TYPE_FP32", 1)),
            "answers OUTPUT__0 as TYPE_FP32, and config.pbtxt says TYPE_FP64",
        ),
    ],
)
def test_an_output_that_torchscript_does_not_answer_is_the_models_fault(
    start_unit, tmp_path, written, words
):
    """Which outputs there are a model of TorchScript tells by answering."""
    saved = models.train_pytorch().save("torchscript", tmp_path / "saved")
    write_model(tmp_path / "models" / "m" / "1", saved / "model.pt", config=written)
    unit = start_unit(TRITON, PREDICTIVE_UNIT_ID="m", **parameters(model_uri=tmp_path / "models"))

    refused = unit.post("/v2/models/m/infer", {"inputs": [rows_of("INPUT__0", models.ROWS)]})

    assert refused.status == 500
    assert words in refused.json()["error"]


# What config.pbtxt says of a model of one input x (n) and one output y (n), both FP32.
WRONG = {
    "input {": "cannot read m/config.pbtxt: ",
    'name: "other"': "m/config.pbtxt is of a model other",
    'platform: "tensorrt_plan"': "for Triton's backend tensorrt_plan, which is not here",
    'platform: "ensemble"': "for Triton's backend ensemble, which is not here",
    'backend: "python"': "for Triton's backend python, which is not here",
    'backend: "tensorflow" platform: "tensorflow_graphdef"': "tensorflow tensorflow_graphdef",
    'backend: "pytorch"': "there is no model.pt in m/1: there is model.onnx",
    "version_policy { specific { versions: [4] } }": "no version of m may be served",
    'input { name: "z" data_type: TYPE_FP32 dims: [ -1 ] }': "has an input z: the model has x",
    'output { name: "z" data_type: TYPE_FP32 dims: [ -1 ] }': "has an output z: the model has y",
    'input { name: "x" data_type: TYPE_INT64 dims: [ -1 ] }': "says TYPE_INT64 of x",
    'input { name: "x" data_type: TYPE_FP32 dims: [ 4, 4 ] }': "says the shape [4, 4] of x",
    'max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: [ -1 ] }': (
        "the shape [-1, -1] of x: the model has [-1]"
    ),
    "max_batch_size: -1": "max_batch_size is -1, less than 0",
}


@pytest.mark.parametrize("config", WRONG)
def test_a_configuration_that_is_not_the_models_is_an_error_that_says_what_differs(
    tmp_path, config
):
    save_onnx(tmp_path / "m" / "1", 1)
    (tmp_path / "m" / "config.pbtxt").write_text(config)

    with pytest.raises(ArtifactError, match=re.escape(WRONG[config])) as caught:
        TritonServer(str(tmp_path)).load()

    assert caught.value.hint


def test_a_configuration_that_cannot_be_read_ends_the_start_with_one_sentence(run_server, tmp_path):
    save_onnx(tmp_path / "m" / "1", 1)
    (tmp_path / "m" / "config.pbtxt").write_text("input [ {")

    ended = run_server(TRITON, "--http-port", "0", **parameters(model_uri=tmp_path))

    assert ended.returncode == 1, ended.stderr
    *_, hint, last = ended.stderr.strip().splitlines()
    assert last.startswith("error: cannot read m/config.pbtxt: ")
    assert hint.startswith("try: ")
    assert "Traceback" not in ended.stderr


def test_a_model_that_is_damaged_is_told_as_by_the_server_of_its_library(run_server, tmp_path):
    save_onnx(tmp_path / "m" / "1", 1)
    file = tmp_path / "m" / "1" / "model.onnx"
    file.write_bytes(file.read_bytes()[:40])

    ended = run_server(TRITON, "--http-port", "0", **parameters(model_uri=tmp_path))

    assert ended.returncode == 1
    assert "error: cannot read the model model.onnx: " in ended.stderr.strip().splitlines()[-1]
