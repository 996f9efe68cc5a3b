"""V2 (Open Inference) messages <-> named arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import leaves, reshape, to_array, to_list

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

Message = dict[str, Any]

# V2 datatype -> numpy dtype. Source: Open Inference Protocol, "Tensor Data Types".
_DTYPES = {
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
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class Tensor:
    """One named input or output of a V2 message."""

    name: str
    array: Array


def decode_v2(message: Message, part: Literal["inputs", "outputs"]) -> list[Tensor]:
    """Read the tensors of a V2 request (`inputs`) or response (`outputs`).

    Data may be flat or nested in rows. Raises PayloadError for what is malformed, and for binary
    tensor data, which we do not read.
    Source: Open Inference Protocol, "Inference".
    """
    tensors = message.get(part)
    if not isinstance(tensors, list) or not tensors:
        raise PayloadError(f"the message has no {part}")
    return [_decode_tensor(tensor, f"{part}[{i}]") for i, tensor in enumerate(tensors)]


def encode_v2(tensor: Tensor) -> Message:
    """Write one V2 tensor, its data flat and in row order; text becomes BYTES."""
    array = tensor.array
    datatype = "BYTES" if array.dtype.kind in "OSU" else _NAMES.get(array.dtype.name)
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


def _decode_tensor(tensor: Any, where: str) -> Tensor:
    import numpy as np

    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise PayloadError(f"{where} has no name")
    dtype = _DTYPES.get(str(tensor.get("datatype")))
    if dtype is None:
        raise PayloadError(f"{where}.datatype is none of {', '.join(_DTYPES)}")
    if not isinstance(tensor.get("data"), list):
        raise PayloadError(f"{where}.data is no list; binary tensor data is not supported")
    if dtype == "object":
        array = np.array(list(leaves(tensor["data"])), dtype=object)
    else:
        array = _to_numbers(tensor["data"], dtype)
        if array.size and array.dtype.kind not in _accepted_kinds(dtype):
            raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
        converted = array.astype(dtype)
        if dtype not in ("bool", "float16", "float32", "float64") and (converted != array).any():
            raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
        array = converted
    return Tensor(tensor["name"], reshape(array.ravel(), tensor.get("shape"), where))


def _to_numbers(data: list[Any], dtype: str) -> Array:
    import numpy as np

    array = to_array(data)
    if dtype == "uint64" and array.dtype.kind == "f":
        # numpy takes whole numbers on both sides of 2**63 for floats, which cannot hold them.
        values = list(leaves(data))
        if all(type(value) is int and 0 <= value < 2**64 for value in values):
            return np.array(values, dtype)
    return array


def _accepted_kinds(dtype: str) -> str:
    if dtype == "bool":
        return "b"
    return "iuf" if dtype.startswith("float") else "iu"
