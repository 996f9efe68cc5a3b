"""TensorFlow's tensors <-> arrays, without TensorFlow.

Source: TensorFlow, tensor.proto: values lie in `tensor_content` as in memory, or in a list for
each group of types, where the last value stands for all that follow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import reshape
from seldon_deployer.payload.v2_binary import text_array, text_bytes

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

# By data type: numpy's dtype, and the list that holds its values.
_TYPES = {
    "DT_FLOAT": ("float32", "float_val"),
    "DT_DOUBLE": ("float64", "double_val"),
    "DT_HALF": ("float16", "half_val"),
    "DT_INT8": ("int8", "int_val"),
    "DT_INT16": ("int16", "int_val"),
    "DT_INT32": ("int32", "int_val"),
    "DT_INT64": ("int64", "int64_val"),
    "DT_UINT8": ("uint8", "int_val"),
    "DT_UINT16": ("uint16", "int_val"),
    "DT_UINT32": ("uint32", "uint32_val"),
    "DT_UINT64": ("uint64", "uint64_val"),
    "DT_BOOL": ("bool", "bool_val"),
    "DT_STRING": ("object", "string_val"),
}
_NAMES = {dtype: name for name, (dtype, _) in _TYPES.items()}


def read_tftensor(wire: Any) -> Array:
    """Read a TensorProto; text is `str` where all of it is UTF-8.

    Raises PayloadError for a type that is no number and no text, and where shape and values differ.
    """
    import numpy as np

    types = wire.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number
    name = types[wire.dtype].name if wire.dtype in types else str(wire.dtype)
    if name not in _TYPES:
        raise PayloadError(f"data.tftensor has the type {name}, which is not supported")
    dtype, field = _TYPES[name]
    shape = [dim.size for dim in wire.tensor_shape.dim]
    if wire.tensor_content and dtype != "object":
        try:
            values = np.frombuffer(wire.tensor_content, np.dtype(dtype).newbyteorder("<"))
        except ValueError as error:
            raise PayloadError(f"data.tftensor.tensor_content holds no {name}") from error
        values = values.astype(dtype)
    elif dtype == "object":
        values = text_array(list(wire.string_val))
    elif dtype == "float16":
        # In the lower half of each number; of more, numpy would make an error.
        halves = np.array(wire.half_val, dtype="int64") & 0xFFFF
        values = halves.astype("uint16").view("float16")
    else:
        values = np.array(getattr(wire, field)).astype(dtype)
    return _fill(values, shape)


def write_tftensor(array: Array, into: Any) -> None:
    """Write an array into a TensorProto, numbers as they lie in memory.

    Raises TypeError for a dtype that it does not have.
    """
    import numpy as np

    kind = "object" if array.dtype.kind in "OSU" else array.dtype.name
    if kind not in _NAMES:
        raise TypeError(f"dtype {array.dtype} has no form as a tftensor")
    types = into.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_name
    into.dtype = types[_NAMES[kind]].number
    for size in array.shape:
        into.tensor_shape.dim.add().size = size
    if kind == "object":
        into.string_val.extend(text_bytes(array.ravel().tolist()))
    else:
        flat = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        into.tensor_content = flat.tobytes()


def _fill(values: Array, shape: list[int]) -> Array:
    """Give values their shape, the last one for all that are missing."""
    import numpy as np

    size = math.prod(shape)
    if 1 <= len(values) < size <= _MOST_FILLED:
        values = np.concatenate([values, np.repeat(values[-1:], size - len(values))])
    if len(values) != size or any(each < 0 for each in shape):
        raise PayloadError(f"data.tftensor has {len(values)} values, its shape {shape} another")
    return reshape(values, shape, "data.tftensor")


# A message of a few bytes must not ask for all memory.
_MOST_FILLED = 1_000_000
