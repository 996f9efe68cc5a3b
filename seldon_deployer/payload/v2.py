"""V2 (Open Inference) messages <-> named arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import leaves, reshape, to_array, to_list
from seldon_deployer.payload.datatypes import datatype_of, dtype_of

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

Message = dict[str, Any]


@dataclass(frozen=True)
class Tensor:
    """One named input or output of a V2 message."""

    name: str
    array: Array


def decode_v2(message: Message, part: Literal["inputs", "outputs"]) -> list[Tensor]:
    """Read the tensors of a V2 request (`inputs`) or response (`outputs`).

    Data may be flat or nested in rows, or an array already. Raises PayloadError for what is
    malformed.
    Source: Open Inference Protocol, "Inference".
    """
    tensors = message.get(part)
    if not isinstance(tensors, list) or not tensors:
        raise PayloadError(f"the message has no {part}")
    return [_decode_tensor(tensor, f"{part}[{i}]") for i, tensor in enumerate(tensors)]


def encode_v2(tensor: Tensor, *, as_array: bool = False) -> Message:
    """Write one V2 tensor, its data flat and in row order; text becomes BYTES.

    as_array: leave the data an array, for a message that is not to be JSON.
    """
    array = tensor.array
    datatype = datatype_of(array)
    if datatype is None:
        raise PayloadError(f"dtype {array.dtype} of {tensor.name} has no V2 datatype")
    described = {"name": tensor.name, "shape": list(array.shape), "datatype": datatype}
    if as_array:
        return {**described, "data": array.ravel()}
    data = to_list(array.ravel())
    if datatype == "BYTES":
        data = [item.decode() if isinstance(item, bytes) else str(item) for item in data]
    return {**described, "data": data}


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
    dtype = dtype_of(str(tensor.get("datatype")), where)
    if isinstance(tensor.get("data"), np.ndarray):
        return Tensor(tensor["name"], reshape(tensor["data"], tensor.get("shape"), where))
    if not isinstance(tensor.get("data"), list):
        raise PayloadError(
            f"{where}.data is no list",
            hint="give data, or binary_data_size and the header Inference-Header-Content-Length",
        )
    if dtype == "object":
        array = np.array(list(leaves(tensor["data"])), dtype=object)
    else:
        array = _to_numbers(tensor["data"], dtype)
        if array.size and array.dtype.kind not in _accepted_kinds(dtype):
            raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
        if array.dtype != dtype:
            with np.errstate(over="ignore"):
                converted = array.astype(dtype)
            if array.size and not _is_kept(array, converted):
                raise PayloadError(f"{where}.data does not fit datatype {tensor['datatype']}")
            array = converted
    return Tensor(tensor["name"], reshape(array.ravel(), tensor.get("shape"), where))


def _is_kept(array: Array, converted: Array) -> bool:
    """Whether numbers are what they were; floats may be rounded, but not to an infinity."""
    import numpy as np

    if converted.dtype.kind == "f":
        is_finite = np.isfinite(converted)
        return bool(is_finite.all()) or not (~is_finite & np.isfinite(array)).any()
    return not (converted != array).any()


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
