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
from seldon_deployer.server.component import REASON_BAD_METRIC, REASON_INTERNAL, UnitError
from seldon_deployer.server.grpc.definitions import message_class, packed_class
from seldon_deployer.server.grpc.tftensor import read_tftensor, write_tftensor
from seldon_deployer.server.grpc.values import read_list, read_value, write_list, write_value

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

SELDON_MESSAGE = "seldon.protos.SeldonMessage"


def read_message(wire: Any) -> Message:
    """Read a SeldonMessage. Raises PayloadError for a tensor that does not fit its shape."""
    message: Message = {}
    match wire.WhichOneof("data_oneof"):
        case "data":
            message["data"] = _read_data(wire.data)
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


def write_message(message: Message, *, like: str | None = None) -> bytes:
    """Write an answer as a SeldonMessage; an array as a tftensor where `like` is that.

    Raises UnitError 500 for what the message cannot hold: it is the model that made it.
    """
    wire = packed_class(SELDON_MESSAGE)()
    try:
        _write_payload(message, wire, like)
        if "meta" in message:
            _write_meta(message["meta"], wire.meta)
        if "status" in message:
            ParseDict(message["status"], wire.status, ignore_unknown_fields=True)
    except (TypeError, ValueError, AttributeError, ParseError) as error:
        raise UnitError(f"the answer cannot be sent: {error}", 500, REASON_INTERNAL) from error
    encoded: bytes = wire.SerializeToString()
    return encoded


def data_form(wire: Any) -> str | None:
    """The form of a SeldonMessage's data: tensor, ndarray, tftensor; None where it has none."""
    form: str | None = wire.data.WhichOneof("data_oneof")
    return form


def parse(name: str, content: bytes) -> Any:
    """Read the bytes of a message. Raises UnitError 400 where they are none."""
    try:
        return message_class(name).FromString(content)
    except Exception as error:
        # DecodeError, or in some versions of protobuf a plain error of its C code.
        raise UnitError(f"the request is no {name}") from error


def _read_data(data: Any) -> Message:
    import numpy as np

    names = list(data.names)
    match data.WhichOneof("data_oneof"):
        case "tensor":
            values = np.array(data.tensor.values, dtype=float)
            return {
                "names": names,
                "array": reshape(values, list(data.tensor.shape), "data.tensor"),
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


def _write_payload(message: Message, wire: Any, like: str | None) -> None:
    if "data" in message:
        _write_data(message["data"], wire.data, like)
    elif "jsonData" in message:
        write_value(message["jsonData"], wire.jsonData)
    elif "strData" in message:
        wire.strData = message["strData"]
    elif "binData" in message:
        given = message["binData"]
        wire.binData = given if isinstance(given, bytes) else b64decode(given)
    elif "customData" in message:
        wire.customData.MergeFromString(message["customData"].SerializeToString())


def _write_data(data: Message, wire: Any, like: str | None) -> None:
    import numpy as np

    wire.names.extend(data.get("names") or [])
    if "array" in data and like == "tftensor":
        write_tftensor(data["array"], wire.tftensor)
    elif "array" in data:
        _write_tensor(data["array"].shape, data["array"], wire.tensor)
    elif "tensor" in data:
        # A message as JSON has it leaves an empty list out.
        values = np.array(data["tensor"].get("values", []), dtype=float)
        _write_tensor(data["tensor"].get("shape", []), values, wire.tensor)
    elif "ndarray" in data:
        wire.ndarray.SetInParent()
        write_list(data["ndarray"], wire.ndarray)


def _write_tensor(shape: Sequence[int], values: Array, into: Any) -> None:
    import numpy as np

    into.shape.extend(shape)
    into.values.append(np.ascontiguousarray(values, "<f8").tobytes())


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
