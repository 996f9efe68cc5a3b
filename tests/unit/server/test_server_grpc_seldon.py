"""Seldon's protocol over gRPC: the same answers as over REST, and errors with their reason."""

import json

import grpc
import numpy as np
import pytest
from google.protobuf import any_pb2, empty_pb2
from google.protobuf.json_format import ParseDict, ParseError
from grpc_unit import MESSAGE, as_dict, connect
from test_server_graph import DIFFERENCES, EXCHANGES, UNIT, key_of

from seldon_deployer.server.grpc.definitions import message_class

LIST, FEEDBACK = "seldon.protos.SeldonMessageList", "seldon.protos.Feedback"
# What an orchestrator calls over gRPC where it would post to a path.
METHODS = {
    "/predict": ("Model/Predict", MESSAGE),
    "/transform-input": ("Transformer/TransformInput", MESSAGE),
    "/transform-output": ("OutputTransformer/TransformOutput", MESSAGE),
    "/route": ("Router/Route", MESSAGE),
    "/aggregate": ("Combiner/Aggregate", LIST),
    "/send-feedback": ("Router/SendFeedback", FEEDBACK),
}
STATUS = {400: grpc.StatusCode.INVALID_ARGUMENT, 500: grpc.StatusCode.INTERNAL}


@pytest.fixture(scope="module")
def serve(start_unit):
    units = {}

    def get(name):
        if name not in units:
            units[name] = connect(start_unit(name, "--grpc-port", "0", **UNIT))
        return units[name]

    yield get
    for unit in units.values():
        unit.channel.close()


@pytest.fixture
def echo(serve):
    return serve("served.Echo")


def as_wire(text, name):
    """A recorded message; None where it is none that protobuf can hold."""
    message = json.loads(text)
    if name == LIST and isinstance(message, list):
        message = {"seldonMessages": message}
    try:
        return ParseDict(message, message_class(name)())
    except ParseError:
        return None


def recorded(name):
    """What was asked of a class over REST: method, request and exchange, as over gRPC."""
    for exchange in EXCHANGES:
        method, kind = METHODS.get(exchange["path"], ("", ""))
        if exchange["class"] != name or not method or key_of(exchange) in DIFFERENCES:
            continue
        request = as_wire(exchange["body"], kind)
        if request is not None:
            yield f"seldon.protos.{method}", request, exchange


# Raw answers whole messages, and over gRPC these are protobuf's.
@pytest.mark.parametrize("name", sorted({each["class"] for each in EXCHANGES} - {"Raw"}))
def test_what_was_recorded_over_rest_is_answered_over_grpc(serve, name):
    unit, seen = serve(f"observed.{name}"), 0
    for method, request, exchange in recorded(name):
        if exchange["status"] == 200:
            answer = unit.call(method, request, MESSAGE)
            assert answer == as_wire(exchange["answer"], MESSAGE), exchange
        else:
            with pytest.raises(grpc.RpcError) as raised:
                unit.call(method, request, MESSAGE)
            reason = json.loads(exchange["answer"])["status"]["reason"]
            assert raised.value.code() == STATUS[exchange["status"]], exchange
            assert raised.value.details().startswith(f"{reason}: "), exchange
        seen += 1
    assert seen


@pytest.mark.parametrize("method", ["Generic/TransformInput", "Transformer/TransformInput"])
def test_generic_and_typed_services_answer_alike(serve, method):
    answer = serve("observed.Plain").ask(method, {"data": {"ndarray": [[1, 2]]}})
    assert answer["data"]["ndarray"] == [[2.0, 3.0]]


@pytest.mark.parametrize("method", ["Generic/Aggregate", "Combiner/Aggregate"])
def test_messages_of_a_list_are_aggregated(serve, method):
    given = [{"data": {"tensor": {"shape": [1, 2], "values": [n, 2]}}} for n in (1, 3)]
    answer = serve("observed.Everything").ask(method, {"seldonMessages": given}, LIST)
    assert answer["data"]["tensor"] == {"shape": [1, 2], "values": [2.0, 2.0]}


def test_a_unit_without_an_orchestrator_answers_clients_by_the_seldon_service(serve):
    unit = serve("observed.Everything")
    answer = unit.ask("Seldon/Predict", {"data": {"ndarray": [[1, 2]]}})
    assert answer["data"] == {"names": ["c0", "c1"], "ndarray": [[1.0, 2.0]]}
    assert unit.ask("Seldon/SendFeedback", {"reward": 0.5}, FEEDBACK)["data"]["tensor"] == {
        "shape": [1, 2],
        "values": [0.5, -9.0],
    }


def test_metadata_is_that_of_rest_and_the_graph_is_the_unit(serve):
    unit = serve("served.Observed")
    asked = message_class("seldon.protos.SeldonModelMetadataRequest")(name="everything")
    model = unit.call("seldon.protos.Seldon/ModelMetadata", asked, MODEL_METADATA)
    same = unit.call("seldon.protos.Model/Metadata", empty_pb2.Empty(), MODEL_METADATA)
    assert model == same
    inputs = [{"messagetype": "ndarray", "schema": {"shape": [4.0]}}]
    described = {"name": "m", "versions": ["v1"], "platform": "sk", "inputs": inputs}
    assert as_dict(model) == described
    graph = unit.call(
        "seldon.protos.Seldon/GraphMetadata",
        empty_pb2.Empty(),
        "seldon.protos.SeldonGraphMetadata",
    )
    assert as_dict(graph) == {
        "name": "everything",
        "models": {"everything": described},
        "inputs": inputs,
    }


MODEL_METADATA = "seldon.protos.SeldonModelMetadata"


def test_numbers_that_json_lacks_pass_through(echo):
    values = [float("inf"), float("nan"), -0.0]
    wire = message_class(MESSAGE)()
    wire.data.tensor.shape.extend([3])
    wire.data.tensor.values.extend(values)
    answer = echo.call("seldon.protos.Model/Predict", wire, MESSAGE)
    assert np.array_equal(list(answer.data.tensor.values), values, equal_nan=True)


def test_a_tftensor_is_answered_by_one_of_the_same_type(echo):
    array = np.array([[1.5, 2.5]], "float32")
    wire = message_class(MESSAGE)()
    wire.data.tftensor.dtype = 1
    wire.data.tftensor.tensor_content = array.tobytes()
    for size in array.shape:
        wire.data.tftensor.tensor_shape.dim.add(size=size)
    answer = echo.call("seldon.protos.Model/Predict", wire, MESSAGE)
    assert answer.data.tftensor == wire.data.tftensor
    assert list(answer.data.names) == ["t:0", "t:1"]


def test_custom_data_goes_in_and_out_as_it_is(echo):
    wire = message_class(MESSAGE)()
    wire.customData.type_url = "example.com/thing"
    wire.customData.value = b"\x00\xff"
    answer = echo.call("seldon.protos.Model/Predict", wire, MESSAGE)
    given = any_pb2.Any.FromString(answer.customData.SerializeToString())
    assert given == any_pb2.Any(type_url="example.com/thing", value=b"\x00\xff")


def test_bytes_go_in_and_out_as_they_are(echo):
    wire = message_class(MESSAGE)(binData=bytes(range(256)))
    assert echo.call("seldon.protos.Model/Predict", wire, MESSAGE).binData == wire.binData


def test_a_class_that_answers_whole_messages_is_given_protobufs(serve):
    unit = serve("wire.RawWire")
    answer = unit.ask("Model/Predict", {"strData": "a", "meta": {"puid": "p"}})
    assert answer == {"strData": "SeldonMessage p", "meta": {"puid": "p"}}
    assert unit.ask("Router/Route", {"strData": "a"}) == {
        "data": {"ndarray": [[1.0]]},
        "status": {"code": 418, "status": "FAILURE"},
    }
    with pytest.raises(grpc.RpcError) as raised:
        unit.ask("Combiner/Aggregate", {}, LIST)
    assert raised.value.code() == grpc.StatusCode.INTERNAL
    assert "aggregate_raw returned no message" in raised.value.details()


def test_a_class_that_says_that_it_has_no_raw_method_is_asked_by_the_other(serve):
    answer = serve("served.InheritsRaw").ask("Model/Predict", {"strData": "a"})
    assert answer["strData"] == "a"


@pytest.mark.parametrize(
    ("name", "code", "details"),
    [
        ("served.ChoosesStatus", grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY: too many rows"),
        ("served.BadMetric", grpc.StatusCode.INTERNAL, "MICROSERVICE_BAD_METRIC: Bad metric"),
        ("served.Leaves", grpc.StatusCode.INTERNAL, "MICROSERVICE_INTERNAL_ERROR: wrong usage"),
    ],
)
def test_an_error_of_the_class_has_its_code_and_reason(serve, name, code, details):
    with pytest.raises(grpc.RpcError) as raised:
        serve(name).ask("Model/Predict", {"strData": "a"})
    assert raised.value.code() == code
    assert raised.value.details().startswith(details)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (b"\xff\xff\xff", "is no seldon.protos.SeldonMessage"),
        (b"", "Invalid request data type"),
        (b"\x1a\x04\x12\x02\x08\x05", "its shape [5] asks for another"),
        (b"\x1a\x05\x12\x03\x0a\x01\xff", "is no seldon.protos.SeldonMessage"),
    ],
)
def test_a_malformed_message_is_the_callers_fault(echo, request_, words):
    with pytest.raises(grpc.RpcError) as raised:
        echo.call("seldon.protos.Model/Predict", request_, MESSAGE)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in raised.value.details()


def test_an_unknown_method_is_unimplemented(echo):
    with pytest.raises(grpc.RpcError) as raised:
        echo.call("seldon.protos.Model/Guess", b"", MESSAGE)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
