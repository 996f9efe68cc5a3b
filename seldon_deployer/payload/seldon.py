"""Seldon messages <-> values."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import reshape, to_array, to_list

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

Message = dict[str, Any]
# `array` is on no wire: `data.array` of a message in memory is the numpy array itself.
Form = Literal["ndarray", "tensor", "array", "strData", "jsonData", "binData", "customData"]


@dataclass(frozen=True)
class Payload:
    """What a Seldon message carries: a value, the form it came in, the names of its columns."""

    value: Any
    form: Form
    names: list[str] = field(default_factory=list)


def decode_message(message: Message) -> Payload:
    """Read a Seldon message's payload.

    `data` gives an array, `strData` str, `binData` bytes, `jsonData` the value as it is. A message
    in memory may hold `data.array`, bytes as `binData` and a protobuf Any as `customData`.
    Raises PayloadError when there is none of them, or it is malformed.
    Source: Seldon Core v1.17.1, prediction.proto, SeldonMessage.
    """
    if isinstance(message.get("data"), dict):
        data = message["data"]
        names = _names(data)
        # Only of a message in memory: what came as JSON holds no array.
        if hasattr(data.get("array"), "dtype"):
            return Payload(data["array"], "array", names)
        if "tensor" in data:
            return Payload(decode_tensor(data["tensor"]), "tensor", names)
        if "ndarray" in data:
            return Payload(decode_ndarray(data["ndarray"]), "ndarray", names)
        if "tftensor" in data:
            raise PayloadError("data.tftensor is not supported; send data.tensor or data.ndarray")
    if "jsonData" in message:
        return Payload(message["jsonData"], "jsonData")
    if "strData" in message:
        if not isinstance(message["strData"], str):
            raise PayloadError("strData is no string")
        return Payload(message["strData"], "strData")
    if "binData" in message:
        return Payload(_decode_bytes(message["binData"]), "binData")
    if _is_any(message.get("customData")):
        return Payload(message["customData"], "customData")
    raise PayloadError(f"Invalid request data type: {message}")


def encode_message(
    value: Any, *, like: Form | None = None, names: Sequence[str] | None = None
) -> Message:
    """Write a value as the payload of a Seldon message.

    A dict becomes jsonData, str strData, bytes binData; an array or list becomes `data`: a tensor
    where `like` is tensor or no `data` form, else an ndarray; what is no number is an ndarray.
    `names` default to t:0, t:1 ... for two dimensions and more. Where `like` is array, numbers stay
    the array that they are: the message is for memory, and not yet JSON.
    Raises PayloadError for any other type, and for infinities.
    Source: Seldon Core v1.17.1, observed.
    """
    if isinstance(value, dict):
        return {"jsonData": value}
    if isinstance(value, str):
        return {"strData": value}
    if isinstance(value, bytes):
        return {"binData": b64encode(value).decode()}
    if _is_any(value):
        return {"customData": value}
    import numpy as np

    if isinstance(value, list):
        # A tensor has no null: what holds one is no list of numbers.
        value = to_array(value, null_is_nan=False)
    if not isinstance(value, np.ndarray):
        raise PayloadError(
            f"Unknown data type returned as payload (must be list or np array):{value}"
        )
    if names is None:
        names = [f"t:{column}" for column in range(value.shape[1])] if value.ndim > 1 else []
    data: Message = {"names": list(names)}
    if like == "array" and value.dtype.kind in "iuf":
        data["array"] = value
    elif like != "ndarray" and value.dtype.kind in "iuf":
        data["tensor"] = {"shape": list(value.shape), "values": to_list(value.ravel())}
    else:
        data["ndarray"] = to_list(value)
    return {"data": data}


def decode_ndarray(rows: Any) -> Array:
    """Turn nested lists into an array.

    Numbers keep their kind, `null` among them is NaN; text mixed with numbers gives dtype object.
    Raises PayloadError when rows differ in length or `rows` is no list.
    """
    if not isinstance(rows, list):
        raise PayloadError("data.ndarray is no list")
    return to_array(rows)


def decode_tensor(tensor: Any) -> Array:
    """Turn {"shape": [...], "values": [...]} into an array of that shape.

    Raises PayloadError when shape and values do not agree.
    """
    if not isinstance(tensor, dict):
        raise PayloadError("data.tensor is no object with shape and values")
    values = tensor.get("values", [])
    if not isinstance(values, list):
        raise PayloadError("data.tensor.values is no list")
    return reshape(to_array(values), tensor.get("shape"), "data.tensor")


def _names(data: Message) -> list[str]:
    names = data.get("names") or []
    if not isinstance(names, list):
        raise PayloadError("data.names is no list")
    return [str(name) for name in names]


def _is_any(value: Any) -> bool:
    """Whether a value is a protobuf Any. Known by its name: JSON needs no protobuf installed."""
    name = getattr(getattr(value, "DESCRIPTOR", None), "full_name", None)
    return bool(name == "google.protobuf.Any")


def _decode_bytes(text: Any) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise PayloadError("binData is no base64 text")
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise PayloadError("binData is no base64 text") from error
