"""Seldon and V2 messages <-> arrays, frames and plain values.

JSON has no NaN: it is written as `null`, and `null` among numbers is read as NaN. An infinity
has no form at all and is an error, never an invalid document.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from seldon_deployer.errors import PayloadError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

Message = dict[str, Any]
Form = Literal["ndarray", "tensor", "strData", "jsonData", "binData"]

# V2 datatype -> numpy dtype. Source: Open Inference Protocol, "Tensor Data Types".
_V2_DTYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "object",
}
_V2_NAMES = {dtype: name for name, dtype in _V2_DTYPES.items()}


@dataclass(frozen=True)
class Payload:
    """What a Seldon message carries: a value, the form it came in, the names of its columns."""

    value: Any
    form: Form
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Tensor:
    """One named input or output of a V2 message."""

    name: str
    array: Array


def decode_message(message: Message) -> Payload:
    """Read a Seldon message's payload.

    `data` gives an array, `strData` str, `binData` bytes, `jsonData` the value as it is.
    Raises PayloadError when there is none of them, or it is malformed.
    Source: Seldon Core v1.17.1, prediction.proto, SeldonMessage.
    """
    if isinstance(message.get("data"), dict):
        data = message["data"]
        names = _names(data)
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
    raise PayloadError(f"Invalid request data type: {message}")


def encode_message(
    value: Any, *, like: Form | None = None, names: Sequence[str] | None = None
) -> Message:
    """Write a value as the payload of a Seldon message.

    A dict becomes jsonData, str strData, bytes binData; an array or list becomes `data`: a tensor
    where `like` is tensor or no `data` form, else an ndarray; what is no number is an ndarray.
    `names` default to t:0, t:1 ... for two dimensions and more.
    Raises PayloadError for any other type, and for infinities.
    Source: Seldon Core v1.17.1, observed.
    """
    if isinstance(value, dict):
        return {"jsonData": value}
    if isinstance(value, str):
        return {"strData": value}
    if isinstance(value, bytes):
        return {"binData": b64encode(value).decode()}
    import numpy as np

    if isinstance(value, list):
        value = _array(value)
    if not isinstance(value, np.ndarray):
        raise PayloadError(
            f"Unknown data type returned as payload (must be list or np array):{value}"
        )
    if names is None:
        names = [f"t:{column}" for column in range(value.shape[1])] if value.ndim > 1 else []
    data: Message = {"names": list(names)}
    if like != "ndarray" and value.dtype.kind in "iuf":
        data["tensor"] = {"shape": list(value.shape), "values": to_list(value.ravel())}
    else:
        data["ndarray"] = to_list(value)
    return {"data": data}


def build_request(
    data: Any, *, protocol: str = "seldon", names: Sequence[str] | None = None
) -> Message:
    """Write what a caller has as a prediction request of the protocol (`seldon` or `v2`).

    Arrays and nested lists become an ndarray or one V2 input; a pandas frame its named columns;
    str and bytes strData and binData (Seldon only); a dict is a whole message already.
    Raises PayloadError for what cannot be sent.
    """
    if isinstance(data, dict):
        return data
    if protocol == "v2":
        return _v2_request(data)
    if isinstance(data, (str, bytes)):
        return encode_message(data)
    if _is_frame(data):
        names = names or [str(column) for column in data.columns]
    part: Message = {"names": list(names)} if names else {}
    return {"data": part | {"ndarray": to_list(_as_array(data))}}


def read_response(message: Message, *, protocol: str = "seldon") -> Any:
    """Take the value out of a prediction's answer.

    An array for data and for a V2 answer with one output (several: a dict of arrays by name);
    else the text, bytes or JSON value. Raises PayloadError.
    """
    if protocol == "v2":
        outputs = decode_v2(message, "outputs")
        if len(outputs) == 1:
            return outputs[0].array
        return {output.name: output.array for output in outputs}
    return decode_message(message).value


def decode_ndarray(rows: Any) -> Array:
    """Turn nested lists into an array.

    Numbers keep their kind, `null` among them is NaN; text mixed with numbers gives dtype object.
    Raises PayloadError when rows differ in length or `rows` is no list.
    """
    if not isinstance(rows, list):
        raise PayloadError("data.ndarray is no list")
    return _array(rows)


def decode_tensor(tensor: Any) -> Array:
    """Turn {"shape": [...], "values": [...]} into an array of that shape.

    Raises PayloadError when shape and values do not agree.
    """
    if not isinstance(tensor, dict):
        raise PayloadError("data.tensor is no object with shape and values")
    values = tensor.get("values", [])
    if not isinstance(values, list):
        raise PayloadError("data.tensor.values is no list")
    return _reshape(_array(values), tensor.get("shape"), "data.tensor")


def decode_v2(message: Message, part: Literal["inputs", "outputs"]) -> list[Tensor]:
    """Read the tensors of a V2 request (`inputs`) or response (`outputs`).

    Data may be flat or nested in rows. Raises PayloadError for what is malformed, and for binary
    tensor data, which we do not read.
    Source: Open Inference Protocol, "Inference".
    """
    tensors = message.get(part)
    if not isinstance(tensors, list) or not tensors:
        raise PayloadError(f"the message has no {part}")
    return [_decode_v2_tensor(tensor, f"{part}[{i}]") for i, tensor in enumerate(tensors)]


def encode_v2(tensor: Tensor) -> Message:
    """Write one V2 tensor, its data flat and in row order; text becomes BYTES."""
    array = tensor.array
    datatype = "BYTES" if array.dtype.kind in "OSU" else _V2_NAMES.get(array.dtype.name)
    if datatype is None:
        raise PayloadError(f"dtype {array.dtype} of {tensor.name} has no V2 datatype")
    data = to_list(array.ravel())
    if datatype == "BYTES":
        data = [item.decode() if isinstance(item, bytes) else str(item) for item in data]
    return {"name": tensor.name, "shape": list(array.shape), "datatype": datatype, "data": data}


def stack_columns(tensors: Sequence[Tensor]) -> tuple[Array, list[str]]:
    """Join V2 inputs to one array with the names of its columns.

    One input is taken as it is; several are columns, each of shape (rows,) or (rows, 1).
    """
    import numpy as np

    if len(tensors) == 1:
        return tensors[0].array, []
    columns: list[Array] = []
    for tensor in tensors:
        array = tensor.array
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1 or (columns and len(array) != len(columns[0])):
            raise PayloadError(
                f"several inputs must be columns of one length; {tensor.name} has shape "
                f"{list(tensor.array.shape)}"
            )
        columns.append(array)
    mixed = len({column.dtype.kind == "O" for column in columns}) > 1
    stacked = np.column_stack([c.astype(object) for c in columns] if mixed else columns)
    return stacked, [tensor.name for tensor in tensors]


def to_list(array: Array) -> list[Any]:
    """Turn an array into nested lists that JSON can hold: NaN is None, an infinity is an error."""
    import numpy as np

    if array.dtype.kind == "c":
        raise PayloadError("complex numbers have no JSON form")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        if np.isinf(array).any():
            raise PayloadError("an infinite number has no JSON form")
        missing = np.isnan(array)
        array = array.astype(object)
        array[missing] = None
    values: list[Any] = array.tolist()
    if array.dtype.kind == "O":
        return [_json_value(value) for value in values]
    return values


def _v2_request(data: Any) -> Message:
    if _is_frame(data):
        columns = [
            Tensor(str(column), _as_array(data[column]).reshape(-1, 1)) for column in data.columns
        ]
        return {
            "parameters": {"content_type": "pd"},
            "inputs": [encode_v2(column) for column in columns],
        }
    if isinstance(data, (str, bytes)):
        raise PayloadError(f"a {type(data).__name__} is no V2 input; send an array")
    tensor = encode_v2(Tensor("input-0", _as_array(data)))
    return {"inputs": [tensor | {"parameters": {"content_type": "np"}}]}


def _is_frame(data: Any) -> bool:
    # Known by its looks, so that pandas is never imported for those who do not use it.
    return hasattr(data, "columns") and hasattr(data, "to_numpy")


def _as_array(data: Any) -> Array:
    import numpy as np

    if isinstance(data, (list, tuple)):
        return _array(list(data))
    array = np.asarray(data)
    if array.ndim == 0:
        raise PayloadError(
            f"a {type(data).__name__} is no list of rows",
            hint="give an array, nested lists such as [[1, 2]], or a whole message as a dict",
        )
    return array


def _array(values: list[Any]) -> Array:
    import numpy as np

    try:
        array = np.array(values)
    except ValueError as error:
        raise PayloadError("rows of the array differ in length") from error
    except OverflowError as error:
        raise PayloadError("a number of the array is too large") from error
    if array.dtype.kind in "US" and not all(isinstance(leaf, str) for leaf in _leaves(values)):
        # numpy would turn the numbers beside the text into text.
        return np.array(values, dtype=object)
    if array.dtype.kind == "O" and all(_is_number_or_null(leaf) for leaf in array.flat):
        return array.astype(float)
    return array


def _reshape(array: Array, shape: Any, where: str) -> Array:
    if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)):
        raise PayloadError(f"{where}.shape is no list of sizes")
    if math.prod(shape) != array.size:
        raise PayloadError(f"{where} has {array.size} values, its shape {shape} asks for another")
    return array.reshape(shape)


def _decode_v2_tensor(tensor: Any, where: str) -> Tensor:
    import numpy as np

    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise PayloadError(f"{where} has no name")
    dtype = _V2_DTYPES.get(tensor.get("datatype", ""))
    if dtype is None:
        raise PayloadError(f"{where}.datatype is none of {', '.join(_V2_DTYPES)}")
    if not isinstance(tensor.get("data"), list):
        raise PayloadError(f"{where}.data is no list; binary tensor data is not supported")
    if dtype == "object":
        array = np.array(list(_leaves(tensor["data"])), dtype=object)
    else:
        array = _array(tensor["data"])
        if array.size and array.dtype.kind not in _accepted_kinds(dtype):
            raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
        converted = array.astype(dtype)
        if dtype not in ("bool", "float16", "float32", "float64") and (converted != array).any():
            raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
        array = converted
    return Tensor(tensor["name"], _reshape(array.ravel(), tensor.get("shape"), where))


def _accepted_kinds(dtype: str) -> str:
    if dtype == "bool":
        return "b"
    return "iuf" if dtype.startswith("float") else "iu"


def _names(data: Message) -> list[str]:
    names = data.get("names") or []
    if not isinstance(names, list):
        raise PayloadError("data.names is no list")
    return [str(name) for name in names]


def _decode_bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise PayloadError("binData is no base64 text")
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise PayloadError("binData is no base64 text") from error


def _leaves(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _leaves(value)
        else:
            yield value


def _is_number_or_null(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _json_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, float):
        if math.isinf(value):
            raise PayloadError("an infinite number has no JSON form")
        return None if math.isnan(value) else value
    # numpy scalars inside object arrays know their plain value.
    return value.item() if hasattr(value, "item") else value
