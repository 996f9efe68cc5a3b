"""V2 datatypes <-> numpy dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seldon_deployer.errors import PayloadError

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

# Source: Open Inference Protocol, "Tensor Data Types".
DTYPES = {
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
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def dtype_of(datatype: str, where: str) -> str:
    """The numpy dtype of a V2 datatype, `object` for BYTES.

    Raises PayloadError that names the place of the unknown one.
    """
    dtype = DTYPES.get(datatype)
    if dtype is None:
        raise PayloadError(f"{where}.datatype is none of {', '.join(DTYPES)}")
    return dtype


def datatype_of(array: Array) -> str | None:
    """The V2 datatype of an array; None where it has none."""
    return "BYTES" if array.dtype.kind in "OSU" else _NAMES.get(array.dtype.name)
