"""What the orchestrator asks of units over gRPC, and what it reads of their answers.

Bodies go on as they are: of V2 only names and numbers of fields change between an answer and the
next request. What must be read is read by protobuf, which is brought in for that alone.
Sources: Seldon Core 1.17.1's executor; Open Inference Protocol, gRPC.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from seldon_deployer.local.graph_metadata import graph_metadata
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.unit_calls import ConnectionDropped, Dialect, Message, WalkFailed
from seldon_deployer.rpc.fields import join_field, split_field
from seldon_deployer.rpc.messages import Buffer

# Beside the server, whose messages they are; read as data.
_DESCRIPTORS = "server/grpc/protos/descriptors.binpb"
_V2 = "/inference.GRPCInferenceService"
_SELDON_PATHS = {
    "predict": "Model/Predict",
    "transform-input": "Transformer/TransformInput",
    "transform-output": "OutputTransformer/TransformOutput",
    "route": "Router/Route",
    "aggregate": "Combiner/Aggregate",
    "metadata": "Model/Metadata",
}
_V2_PATHS = {"predict": "ModelInfer", "status": "ModelReady", "metadata": "ModelMetadata"}
# Of V2's requests and answers: the model's name and version, and the bytes of tensors in each.
_NAME, _VERSION, _RAW_OUTPUT, _RAW_INPUT = 1, 2, 6, 7


def path_of(step: str, unit: GraphUnit, *, is_v2: bool) -> str:
    """The method by which a unit does a step. Raises WalkFailed where V2 has none."""
    if is_v2:
        if step not in _V2_PATHS:
            raise WalkFailed(
                f"{unit.name} is a {unit.type}: over gRPC Seldon's orchestrator asks nothing but "
                "models by V2; ask this graph over REST"
            )
        return f"{_V2}/{_V2_PATHS[step]}"
    if step == "send-feedback":
        service = "Router" if unit.type == "ROUTER" else "Model"
        return f"/seldon.protos.{service}/SendFeedback"
    return f"/seldon.protos.{_SELDON_PATHS[step]}"


@dataclass(frozen=True)
class RpcDialect(Dialect):
    """How units are spoken to over gRPC.

    is_of_one: whether the graph is one unit, which sees the model's name that the client gave.
    """

    is_of_one: bool = True

    def chain(self, message: Message) -> Message:
        """Make what one unit answered what the next one is asked.

        Under V2 no model is named then, so that each unit answers as itself.
        """
        if not self.is_v2 or (self.is_of_one and not message.is_answer):
            return message
        left, _ = _split(message.body, _NAME)
        left, _ = _split(left, _VERSION)
        if not message.is_answer:
            return Message(left)
        left, raw = _split(left, _RAW_OUTPUT)
        parts = [part for each in raw for part in join_field(_RAW_INPUT, each)]
        return Message(b"".join((left, *parts)) if parts else left)

    def read_branch(self, answer: Message) -> int:
        """The branch that a router chose: the first number of its answer."""
        data = _parse("seldon.protos.SeldonMessage", answer.body).data
        match data.WhichOneof("data_oneof"):
            case "tensor":
                first = next(iter(data.tensor.values), None)
            case "ndarray":
                first = _first_number(data.ndarray)
            case "tftensor":
                first = next(iter((*data.tftensor.int_val, *data.tftensor.int64_val)), None)
            case _:
                first = None
        if first is None:
            raise ConnectionDropped("the router's answer holds no number of a branch")
        return int(first)

    def plain(self, message: Message) -> Message:
        """Messages are as units read them."""
        return message

    def join(self, answers: list[Message]) -> Message:
        """All branches' answers as a SeldonMessageList."""
        return Message(b"".join(part for each in answers for part in join_field(1, each.body)))

    def tell_routing(self, answer: Message, routing: dict[str, int]) -> Message:
        """Write where a request went into an answer that has `meta`."""
        wire = _parse("seldon.protos.SeldonMessage", answer.body)
        if not wire.HasField("meta"):
            return answer
        wire.meta.routing.clear()
        wire.meta.routing.update(routing)
        return Message(wire.SerializeToString())

    def read_routing(self, feedback: Message) -> dict[str, int]:
        """Where the request of a feedback went, as it says itself."""
        return dict(_parse("seldon.protos.Feedback", feedback.body).response.meta.routing)


def write_graph_metadata(predictor: str, graph: GraphUnit, models: dict[str, Message]) -> bytes:
    """A graph's SeldonGraphMetadata, of what its units say of themselves."""
    from google.protobuf.json_format import MessageToDict, ParseDict

    kind = "seldon.protos.SeldonModelMetadata"
    told = {
        name: MessageToDict(_parse(kind, answer.body), preserving_proto_field_name=True)
        for name, answer in models.items()
    }
    whole = graph_metadata(predictor, graph, told)
    content: bytes = ParseDict(
        {
            "name": predictor,
            "models": told,
            "inputs": whole["graphinputs"] or [],
            "outputs": whole["graphoutputs"] or [],
        },
        _message_class("seldon.protos.SeldonGraphMetadata")(),
    ).SerializeToString()
    return content


def read_name(body: Buffer) -> str:
    """The model that a request for metadata or readiness names, in either protocol."""
    _, names = _split(body, _NAME)
    return bytes(names[-1]).decode(errors="replace") if names else ""


def load_messages() -> None:
    """Bring protobuf in, which takes a tenth of a second the first time."""
    _message_class("seldon.protos.SeldonMessage")


def _first_number(values: Any) -> float | None:
    if not values.values:
        return None
    first = values.values[0]
    if first.WhichOneof("kind") == "list_value":
        return _first_number(first.list_value)
    return float(first.number_value) if first.WhichOneof("kind") == "number_value" else None


def _split(body: Buffer, number: int) -> tuple[Buffer, list[memoryview]]:
    try:
        return split_field(body, number)
    except ValueError as error:
        raise WalkFailed(f"the message is none of gRPC's: {error}") from error


def _parse(kind: str, body: Buffer) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return _message_class(kind).FromString(body)
    except DecodeError as error:
        raise WalkFailed(f"the message is no {kind}") from error


@cache
def _message_class(kind: str) -> Any:
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(_pool().FindMessageTypeByName(kind))


@cache
def _pool() -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool

    content = files("seldon_deployer").joinpath(_DESCRIPTORS).read_bytes()
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(content).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool
