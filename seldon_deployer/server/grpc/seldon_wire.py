"""Seldon's protobuf messages <-> the messages that the handlers take.

Numbers of `data.tensor` and `data.tftensor` are arrays in those, never lists.
Source: Seldon Core v1.17.1, prediction.proto.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError

from seldon_deployer.payload import Message
from seldon_deployer.payload.arrays import reshape
from seldon_deployer.payload.v2_binary import Buffer, decode_raw, encode_raw
from seldon_deployer.rpc.fields import LARGE_BYTES, join_field, settle_field, split_field
from seldon_deployer.server.component import REASON_BAD_METRIC, REASON_INTERNAL, UnitError
from seldon_deployer.server.grpc.definitions import message_class
from seldon_deployer.server.grpc.operation import Parts
from seldon_deployer.server.grpc.tftensor import read_tftensor, write_tftensor
from seldon_deployer.server.grpc.values import read_list, read_value, write_list, write_value

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

SELDON_MESSAGE = "seldon.protos.SeldonMessage"
# Where the numbers of a tensor are: data, its tensor, its values.
_VALUES = (3, 2, 2)
# Tags and lengths of the three, of large ones.
_FREE_BYTES = 3 * 4


def split_values(content: Buffer) -> tuple[Buffer, Buffer | None]:
    """Take the numbers of a large `data.tensor` out of a SeldonMessage: it, and its doubles.

    None where there are few, or where they are not in one piece: then they are in the message.
    Bytes that are no message stay as they are: parsing tells of them.
    """
    if len(content) < LARGE_BYTES:
        return content, None
    rests: list[Buffer] = []
    inner = content
    try:
        for number in _VALUES:
            rest, found = split_field(inner, number)
            if len(found) != 1:
                return content, None
            rests.append(rest)
            inner = found[0]
    except ValueError:
        return content, None
    if len(inner) % 8 or not isinstance(inner, memoryview):
        return content, None
    message, data, tensor = rests
    left = join_field(_VALUES[0], data, *join_field(_VALUES[1], tensor))
    # What was before the numbers is copied: their own tag and length at least are free.
    return b"".join([message, *left]), settle_field(inner, before=_FREE_BYTES)


def read_message(wire: Any, values: Buffer | None = None) -> Message:
    """Read a SeldonMessage. Raises PayloadError for a tensor that does not fit its shape.

    values: the tensor's, where they were taken out of the message before.
    """
    message: Message = {}
    match wire.WhichOneof("data_oneof"):
        case "data":
            message["data"] = _read_data(wire.data, values)
        case "jsonData":
            message["jsonData"] = read_value(wire.jsonData)
        case "customData":
            message["customData"] = wire.customData
        case None:
            pass
        case kind:
            message[kind] = getattr(wire, kind)
    if wire.HasField("meta"):
        message["meta"] = _read_meta(wire.meta)
    return message


def read_feedback(wire: Any) -> Message:
    """Read a Feedback: its messages, and the reward."""
    feedback: Message = {"reward": wire.reward}
    for part in ("request", "response", "truth"):
        if wire.HasField(part):
            feedback[part] = read_message(getattr(wire, part))
    return feedback


def write_message(message: Message, *, like: str | None = None) -> Parts:
    """Write an answer as a SeldonMessage; an array as a tftensor where `like` is that.

    Raises UnitError 500 for what the message cannot hold: it is the model that made it.
    """
    wire = message_class(SELDON_MESSAGE)()
    tensor: list[Buffer] = []
    try:
        if (values := _tensor_of(message, like)) is not None:
            tensor = _write_tensor(message["data"], values)
        else:
            _write_payload(message, wire)
        if "meta" in message:
            _write_meta(message["meta"], wire.meta)
        if "status" in message:
            ParseDict(message["status"], wire.status, ignore_unknown_fields=True)
    except (TypeError, ValueError, AttributeError, ParseError) as error:
        raise UnitError(f"the answer cannot be sent: {error}", 500, REASON_INTERNAL) from error
    return [wire.SerializeToString(), *tensor]


def data_form(wire: Any) -> str | None:
    """The form of a SeldonMessage's data: tensor, ndarray, tftensor; None where it has none."""
    form: str | None = wire.data.WhichOneof("data_oneof")
    return form


def parse(name: str, content: Buffer) -> Any:
    """Read the bytes of a message. Raises UnitError 400 where they are none."""
    try:
        return message_class(name).FromString(content)
    except Exception as error:
        # DecodeError, or in some versions of protobuf a plain error of its C code.
        raise UnitError(f"the request is no {name}") from error


def _read_data(data: Any, values: Buffer | None) -> Message:
    import numpy as np

    names = list(data.names)
    match data.WhichOneof("data_oneof"):
        case "tensor":
            array = (
                np.array(data.tensor.values, dtype=float)
                if values is None
                else decode_raw(values, "FP64", "data.tensor")
            )
            return {
                "names": names,
                "array": reshape(array, list(data.tensor.shape), "data.tensor"),
            }
        case "tftensor":
            return {"names": names, "array": read_tftensor(data.tftensor)}
        case "ndarray":
            return {"names": names, "ndarray": read_list(data.ndarray)}
    return {"names": names}


def _read_meta(wire: Any) -> Message:
    meta: Message = {"puid": wire.puid} if wire.puid else {}
    if wire.tags:
        meta["tags"] = {name: read_value(value) for name, value in wire.tags.items()}
    if wire.routing:
        meta["routing"] = dict(wire.routing)
    if wire.requestPath:
        meta["requestPath"] = dict(wire.requestPath)
    if wire.metrics:
        kinds = wire.metrics[0].MetricType
        meta["metrics"] = [
            {"key": each.key, "type": kinds.Name(each.type), "value": each.value}
            | ({"tags": dict(each.tags)} if each.tags else {})
            for each in wire.metrics
        ]
    return meta


def _write_payload(message: Message, wire: Any) -> None:
    if "data" in message:
        _write_data(message["data"], wire.data)
    elif "jsonData" in message:
        write_value(message["jsonData"], wire.jsonData)
    elif "strData" in message:
        wire.strData = message["strData"]
    elif "binData" in message:
        given = message["binData"]
        wire.binData = given if isinstance(given, bytes) else b64decode(given)
    elif "customData" in message:
        wire.customData.MergeFromString(message["customData"].SerializeToString())


def _write_data(data: Message, wire: Any) -> None:
    wire.names.extend(data.get("names") or [])
    if "array" in data:
        write_tftensor(data["array"], wire.tftensor)
    elif "ndarray" in data:
        wire.ndarray.SetInParent()
        write_list(data["ndarray"], wire.ndarray)


def _tensor_of(message: Message, like: str | None) -> tuple[Sequence[int], Array] | None:
    """Shape and values of a message whose data goes as a tensor."""
    import numpy as np

    data = message.get("data")
    if not isinstance(data, dict):
        return None
    if "array" in data:
        return None if like == "tftensor" else (data["array"].shape, data["array"])
    if "tensor" in data:
        # A message as JSON has it leaves an empty list out.
        told = data["tensor"]
        return told.get("shape", []), np.array(told.get("values", []), dtype=float)
    return None


def _write_tensor(data: Message, tensor: tuple[Sequence[int], Array]) -> list[Buffer]:
    """`data` as a field, the numbers as they lie in memory: protobuf would make objects of them."""
    shape, values = tensor
    names = message_class("seldon.protos.DefaultData")(names=data.get("names") or [])
    shaped = message_class("seldon.protos.Tensor")(shape=shape)
    numbers = join_field(_VALUES[2], encode_raw(values.astype("<f8", copy=False)))
    field = join_field(_VALUES[1], shaped.SerializeToString(), *numbers)
    return join_field(_VALUES[0], names.SerializeToString(), *field)


def _write_meta(meta: Message, wire: Any) -> None:
    wire.SetInParent()
    wire.puid = meta.get("puid") or ""
    for name, value in meta.get("tags", {}).items():
        write_value(value, wire.tags[name])
    for name in ("routing", "requestPath"):
        getattr(wire, name).update(meta.get(name, {}))
    for metric in meta.get("metrics", []):
        _write_metric(metric, wire.metrics.add())


def _write_metric(metric: Message, wire: Any) -> None:
    try:
        wire.key, wire.value = metric["key"], metric["value"]
        wire.type = wire.MetricType.Value(metric.get("type", "COUNTER"))
        wire.tags.update(metric.get("tags") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise UnitError(
            f"Bad metric created during request: {metric}", 500, REASON_BAD_METRIC
        ) from error
