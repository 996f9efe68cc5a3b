"""V2 over gRPC, and its binary tensor data over REST: one handler under both."""

import json

import grpc
import numpy as np
import pytest
from grpc_unit import V2, as_dict, connect, infer_request

from seldon_deployer.payload import Tensor, encode_v2
from seldon_deployer.payload.datatypes import DTYPES
from seldon_deployer.payload.v2_binary import attach_binary, detach_binary, encode_raw
from seldon_deployer.server.grpc.definitions import message_class

# A value for each datatype that only its own bytes can tell.
VALUES = {
    "BOOL": [True, False],
    "UINT64": [0, 2**64 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "FP16": [0.1, float("inf")],
    "FP32": [0.1, float("nan")],
    "FP64": [0.1, -0.0],
    "BYTES": ["é", ""],
}


@pytest.fixture(scope="module")
def unit(start_unit):
    return start_unit("served.Echo", "--grpc-port", "0", PREDICTIVE_UNIT_ID="echo")


@pytest.fixture(scope="module")
def client(unit):
    connected = connect(unit)
    yield connected
    connected.channel.close()


def array_of(datatype):
    limits = np.iinfo(DTYPES[datatype]) if "INT" in datatype else None
    values = VALUES.get(datatype) or [int(limits.min), int(limits.max)]
    return np.array(values, DTYPES[datatype]).reshape(2, 1)


def same(left, right):
    return left.dtype == right.dtype and encode_raw(left) == encode_raw(right)


def ask_in_binary(unit, tensors, **request):
    """Send tensors as binary data over REST: the JSON of the answer and its tensors."""
    message = {"inputs": [encode_v2(tensor, as_array=True) for tensor in tensors], **request}
    described, parts = detach_binary(message, "inputs")
    text = json.dumps(described).encode()
    length = {"Inference-Header-Content-Length": str(len(text))}
    octets = {"Content-Type": "application/octet-stream"}
    answer = unit.post("/v2/models/echo/infer", b"".join([text, *parts]), **length, **octets)
    assert answer.status == 200, answer.data
    told = answer.headers.get("Inference-Header-Content-Length")
    if told is None:
        assert answer.headers["Content-Type"] == "application/json"
        return answer.json()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    return attach_binary(json.loads(answer.data[: int(told)]), "outputs", answer.data[int(told) :])


@pytest.mark.parametrize("datatype", sorted(DTYPES))
def test_every_datatype_is_the_same_over_rest_in_binary_and_over_grpc(unit, client, datatype):
    array = array_of(datatype)
    over_rest = ask_in_binary(unit, [Tensor("a", array)], parameters={"binary_data_output": True})
    [rest] = over_rest["outputs"]
    raw = bytes(encode_raw(array))
    answer = client.infer(infer_request(a=(datatype, [2, 1], raw)))
    [output] = answer.outputs
    assert (rest["datatype"], rest["shape"]) == (datatype, [2, 1])
    assert (output.datatype, list(output.shape)) == (datatype, [2, 1])
    assert same(rest["data"], array.ravel())
    assert list(answer.raw_output_contents) == [raw]


@pytest.mark.parametrize("datatype", sorted({*DTYPES} - {"FP16"}))
def test_every_datatype_is_answered_in_contents_where_it_came_so(client, datatype):
    array = array_of(datatype)
    fields = {"BOOL": "bool", "BYTES": "bytes", "FP32": "fp32", "FP64": "fp64"}
    fields |= {"INT64": "int64", "UINT64": "uint64"}
    field = fields.get(datatype, "uint" if datatype.startswith("U") else "int") + "_contents"
    values = array.ravel().tolist()
    if datatype == "BYTES":
        values = [text.encode() for text in values]
    answer = client.infer(infer_request(a=(datatype, [2, 1], {field: values})))
    assert not answer.raw_output_contents
    [(described, answered)] = answer.outputs[0].contents.ListFields()
    assert described.name == field
    if datatype == "BYTES":
        assert list(answered) == values
    else:
        assert same(np.array(answered, array.dtype), array.ravel())


def test_rest_answers_in_binary_only_what_is_wanted_in_binary(unit):
    tensor = Tensor("a", np.array([[1.5]], "float32"))
    answer = ask_in_binary(unit, [tensor])
    assert answer["outputs"][0]["data"] == [1.5]
    for parameters in ({"binary_data": True}, {}):
        outputs = [{"name": "predict", "parameters": parameters}]
        answer = ask_in_binary(unit, [tensor], outputs=outputs)
        assert isinstance(answer["outputs"][0]["data"], np.ndarray) == bool(parameters)
    # What is said of an output goes before what is said of all.
    outputs = [{"name": "predict", "parameters": {"binary_data": False}}]
    answer = ask_in_binary(unit, [tensor], outputs=outputs, parameters={"binary_data_output": True})
    assert answer["outputs"][0]["data"] == [1.5]


def test_json_alone_may_ask_for_a_binary_answer(unit):
    tensor = {"name": "a", "shape": [1], "datatype": "FP64", "data": [0.5]}
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    answer = unit.post("/v2/models/infer", request)
    length = int(answer.headers["Inference-Header-Content-Length"])
    described = json.loads(answer.data[:length])
    assert described["outputs"][0]["parameters"]["binary_data_size"] == 8
    assert answer.data[length:] == np.array([0.5]).tobytes()


@pytest.mark.parametrize(
    ("length", "body", "words"),
    [
        ("x", b"{}", "Inference-Header-Content-Length is x"),
        ("-1", b"{}", "Inference-Header-Content-Length is -1"),
        ("3", b"{}", "and the body has 2 bytes"),
        ("1", b"{}", "Can't find JSON in data"),
        ("2", b"[]", "is no object"),
        ("2", b"{}", "the message has no inputs"),
        ("13", b'{"inputs":[]}x', "1 bytes after the tensors"),
        ("14", b'{"inputs":[3]}', "inputs[0] has no name"),
    ],
)
def test_a_binary_body_that_does_not_agree_is_400_in_words(unit, length, body, words):
    headers = {"Inference-Header-Content-Length": length}
    answer = unit.post("/v2/models/infer", body, **headers)
    assert answer.status == 400
    assert words in answer.json()["error"]


def test_a_class_may_write_to_the_arrays_that_it_is_given(start_unit):
    unit = start_unit("wire.DoublesInPlace", "--grpc-port", "0", PREDICTIVE_UNIT_ID="echo")
    array = np.array([[1.0, 2.0]])
    answer = ask_in_binary(unit, [Tensor("a", array)])
    assert answer["outputs"][0]["data"] == [2.0, 4.0]
    over_grpc = connect(unit).infer(infer_request(a=("FP64", [1, 2], array.tobytes())))
    assert over_grpc.raw_output_contents[0] == (array * 2).tobytes()


def test_the_server_and_the_model_are_ready_and_described(client):
    def ask(method, **fields):
        request = message_class(f"inference.{method}Request")(**fields)
        return as_dict(client.call(f"{V2}/{method}", request, f"inference.{method}Response"))

    assert ask("ServerLive") == {"live": True}
    assert ask("ServerReady") == {"ready": True}
    assert ask("ModelReady", name="echo") == {"ready": True}
    assert ask("ModelReady", name="echo", version="v1") == {"ready": True}
    assert ask("ServerMetadata")["extensions"] == ["binary_tensor_data"]
    assert ask("ModelMetadata", name="echo") == {"name": "echo", "versions": ["v1"]}


def test_tensors_that_init_metadata_tells_are_in_the_metadata(start_unit):
    unit = connect(start_unit("wire.Described", "--grpc-port", "0"))
    answer = unit.call(
        f"{V2}/ModelMetadata",
        message_class("inference.ModelMetadataRequest")(),
        "inference.ModelMetadataResponse",
    )
    [tensor] = answer.inputs
    assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("x", "FP32", [-1, 4])


@pytest.mark.parametrize(("name", "version"), [("other", ""), ("echo", "v2")])
def test_another_model_or_version_is_not_found(client, name, version):
    request = infer_request(a=("FP32", [1], {"fp32_contents": [1.0]}))
    request.model_name, request.model_version = name, version
    with pytest.raises(grpc.RpcError) as raised:
        client.infer(request)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (b"\xff", "is no inference.ModelInferRequest"),
        (b"", "the message has no inputs"),
        (infer_request(a=("FP32", [3], {"fp32_contents": [1.0]})), "asks for another"),
        (infer_request(a=("FP32", [1], b"123")), "no multiple of a FP32's"),
        (infer_request(a=("FP32", [-1], {"fp32_contents": [1.0]})), "is no list of sizes"),
        (infer_request(a=("NONE", [1], b"1")), "datatype is none of BOOL"),
    ],
)
def test_a_malformed_request_is_the_callers_fault_in_words(client, request_, words):
    with pytest.raises(grpc.RpcError) as raised:
        client.infer(request_)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in raised.value.details()


def test_several_inputs_are_columns_and_the_id_comes_back(client):
    request = infer_request(
        a=("FP64", [2], {"fp64_contents": [1, 2]}), b=("FP64", [2], {"fp64_contents": [3, 4]})
    )
    request.id = "7"
    answer = client.infer(request)
    assert answer.id == "7"
    assert list(answer.outputs[0].shape) == [2, 2]
    assert list(answer.outputs[0].contents.fp64_contents) == [1, 3, 2, 4]
