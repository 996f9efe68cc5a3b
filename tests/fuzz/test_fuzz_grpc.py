"""Whatever a client sends over gRPC: a status that is its own, in time, and no INTERNAL."""

from __future__ import annotations

import grpc
import grpc_unit
import pytest
from grpc import StatusCode
from hypothesis import given
from hypothesis import strategies as st
from nearly_right import changed, feedbacks, message_lists, messages
from protobuf_messages import mangled, wire_of
from searching import searched

from seldon_deployer.server.grpc.definitions import message_class

ANSWER_SECONDS = 20
SELDON = {
    "Seldon/Predict": messages,
    "Model/Predict": messages,
    "Model/SendFeedback": feedbacks,
    "Router/Route": messages,
    "Router/SendFeedback": feedbacks,
    "Transformer/TransformInput": messages,
    "OutputTransformer/TransformOutput": messages,
    "Combiner/Aggregate": message_lists,
    "Generic/TransformInput": messages,
    "Generic/Aggregate": message_lists,
}
UNSENDABLE = "the answer cannot be sent"
REFUSALS = (StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND, StatusCode.UNIMPLEMENTED)


@pytest.fixture(scope="module")
def channel(unit):
    client = grpc_unit.connect(unit)
    yield client.channel
    client.channel.close()


def ask(channel, method: str, content: bytes) -> None:
    """Ask, and see that the answer is one, and that the server goes on as before."""
    call = channel.unary_unary(f"/{method}")
    try:
        call(content, timeout=ANSWER_SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        check(error.code(), error.details())
    good = channel.unary_unary("/seldon.protos.Model/Predict")(GOOD, timeout=ANSWER_SECONDS)
    answer = message_class("seldon.protos.SeldonMessage").FromString(good)
    assert answer.data.ndarray.values[0].list_value.values[0].number_value == 1.0


def check(code: StatusCode, told: str) -> None:
    assert "Traceback" not in told
    assert code in REFUSALS or UNSENDABLE in told, (code, told)


GOOD = wire_of("seldon.protos.SeldonMessage", {"data": {"ndarray": [[1.0]]}}) or b""


def name_of(method: str) -> str:
    last = method.rpartition("/")[2]
    kinds = {"SendFeedback": "Feedback", "Aggregate": "SeldonMessageList"}
    return f"seldon.protos.{kinds.get(last, 'SeldonMessage')}"


@searched(80)
@given(st.data(), st.sampled_from(sorted(SELDON)))
def test_messages_of_seldon(unit, channel, data, method):
    documents = SELDON[method]
    wire = wire_of(name_of(method), data.draw(documents | changed(documents)))
    if wire is not None:
        ask(channel, f"seldon.protos.{method}", wire)


@searched(60)
@given(st.data(), st.sampled_from(sorted(SELDON)))
def test_bytes_that_are_nearly_messages(unit, channel, data, method):
    wire = wire_of(name_of(method), data.draw(SELDON[method])) or b""
    ask(channel, f"seldon.protos.{method}", data.draw(mangled(wire) | st.binary(max_size=40)))


sizes = st.lists(st.integers(-1, 4) | st.sampled_from([2**40, 2**62, -(2**63)]), max_size=4)
many = st.just([1] * 70)


@st.composite
def tensorflow_tensors(draw):
    """Tensors of TensorFlow: their type, shape and values need not agree."""
    message = message_class("seldon.protos.SeldonMessage")()
    tensor = message.data.tftensor
    tensor.dtype = draw(st.integers(0, 25))
    for size in draw(sizes | many):
        tensor.tensor_shape.dim.add().size = size
    for field, values in (
        ("float_val", st.floats(width=32)),
        ("half_val", st.integers(-5, 2**31 - 1)),
        ("int_val", st.integers(-(2**31), 2**31 - 1)),
        ("string_val", st.binary(max_size=3)),
        ("bool_val", st.booleans()),
    ):
        getattr(tensor, field).extend(draw(st.lists(values, max_size=2)))
    tensor.tensor_content = draw(st.binary(max_size=20))
    return message.SerializeToString()


@searched(60)
@given(tensorflow_tensors())
def test_tensors_of_tensorflow(unit, channel, wire):
    ask(channel, "seldon.protos.Model/Predict", wire)


@st.composite
def inferences(draw):
    """Requests of V2: names, types, shapes, contents and raw bytes need not agree."""
    request = message_class("inference.ModelInferRequest")()
    request.model_name = draw(st.sampled_from(["", "searched", "searched", "x"]))
    request.model_version = draw(st.sampled_from(["", "v1", "2"]))
    for _ in range(draw(st.integers(0, 2))):
        tensor = request.inputs.add(
            name=draw(st.text(max_size=3)),
            datatype=draw(st.sampled_from(["FP64", "FP16", "INT8", "UINT64", "BYTES", "BOOL", ""])),
            shape=draw(sizes | many | st.just([2]) | st.just([1])),
        )
        for field, values in (
            ("fp64_contents", st.floats()),
            ("int_contents", st.integers(-(2**31), 2**31 - 1)),
            ("uint64_contents", st.integers(0, 2**64 - 1)),
            ("bytes_contents", st.binary(max_size=3)),
            ("bool_contents", st.booleans()),
        ):
            if draw(st.booleans()):
                getattr(tensor.contents, field).extend(draw(st.lists(values, max_size=2)))
    request.raw_input_contents.extend(draw(st.lists(st.binary(max_size=17), max_size=2)))
    if draw(st.booleans()):
        request.outputs.add(name=draw(st.sampled_from(["predict", "x"])))
        request.parameters["binary_data_output"].bool_param = True
    return request.SerializeToString()


@searched(120)
@given(st.data())
def test_inferences(unit, channel, data):
    wire = data.draw(inferences())
    ask(
        channel,
        "inference.GRPCInferenceService/ModelInfer",
        data.draw(st.just(wire) | mangled(wire)),
    )


@searched(40)
@given(
    st.sampled_from(
        [
            "inference.GRPCInferenceService/ServerLive",
            "inference.GRPCInferenceService/ServerReady",
            "inference.GRPCInferenceService/ModelReady",
            "inference.GRPCInferenceService/ServerMetadata",
            "inference.GRPCInferenceService/ModelMetadata",
            "seldon.protos.Model/Metadata",
            "seldon.protos.Seldon/GraphMetadata",
            "seldon.protos.Model/Nothing",
            "grpc.health.v1.Health/Check",
        ]
    ),
    st.binary(max_size=20),
)
def test_questions(unit, channel, method, content):
    if method.startswith("grpc.") and not is_message(content):
        # The library's own answer to bytes that are no message of its service.
        return
    ask(channel, method, content)


def is_message(content: bytes) -> bool:
    from google.protobuf.message import DecodeError
    from grpc_health.v1.health_pb2 import HealthCheckRequest

    try:
        HealthCheckRequest.FromString(content)
    except (DecodeError, ValueError):
        return False
    return True
