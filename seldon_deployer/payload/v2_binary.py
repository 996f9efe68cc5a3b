"""V2's binary tensor data: bytes after the JSON of a message, or the raw contents of gRPC.

A message in memory may hold a tensor's `data` as an array instead of a list. `attach_binary` makes
such messages of what came over HTTP, `detach_binary` takes the arrays out to be sent.
Source: Open Inference Protocol, "Binary Tensor Data Extension".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.datatypes import dtype_of

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

Message = dict[str, Any]
Buffer = bytes | bytearray | memoryview

SIZE = "binary_data_size"
# Each text of a BYTES tensor follows its length in so many bytes.
_LENGTH_BYTES = 4


def attach_binary(message: Message, part: Literal["inputs", "outputs"], raw: Buffer) -> Message:
    """Give the tensors of a message their bytes, in their order, as arrays.

    Tensors without `binary_data_size` keep the data that they have. Raises PayloadError when the
    sizes and the bytes do not agree, or a tensor has both.
    """
    tensors = message.get(part)
    if not isinstance(tensors, list):
        raise PayloadError(f"the message has no {part}")
    left = memoryview(raw)
    attached = []
    for i, tensor in enumerate(tensors):
        where = f"{part}[{i}]"
        size = _size_of(tensor, where)
        if size is None:
            attached.append(tensor)
            continue
        if size > len(left):
            raise PayloadError(f"{where} tells {size} bytes, but {len(left)} are left of the body")
        array = decode_raw(left[:size], str(tensor.get("datatype")), where)
        attached.append({**tensor, "data": array})
        left = left[size:]
    if left:
        raise PayloadError(f"{len(left)} bytes after the tensors belong to none of the {part}")
    return {**message, part: attached}


def detach_binary(
    message: Message, part: Literal["inputs", "outputs"]
) -> tuple[Message, list[Buffer]]:
    """Take the arrays out of a message: JSON that tells their sizes, and the bytes in order."""
    import numpy as np

    tensors: list[Message] = []
    parts: list[Buffer] = []
    for tensor in message.get(part, []):
        data = tensor.get("data")
        if not isinstance(data, np.ndarray):
            tensors.append(tensor)
            continue
        raw = encode_raw(data)
        parts.append(raw)
        kept = {name: value for name, value in tensor.items() if name != "data"}
        tensors.append({**kept, "parameters": {**tensor.get("parameters", {}), SIZE: len(raw)}})
    return {**message, part: tensors}, parts


def decode_raw(raw: Buffer, datatype: str, where: str) -> Array:
    """Read the bytes of a tensor, little-endian and in row order, as an array of one dimension.

    A BYTES tensor is text, as in JSON, where all of it is UTF-8, and bytes where it is not. The
    array may be written to: it lies in `raw` itself where that can be, else it is a copy. Raises
    PayloadError for bytes that are not of the datatype.
    """
    import numpy as np

    dtype = dtype_of(datatype, where)
    if dtype == "object":
        return _decode_texts(memoryview(raw), where)
    kind = np.dtype(dtype).newbyteorder("<")
    if len(raw) % kind.itemsize:
        raise PayloadError(f"{where} has {len(raw)} bytes, no multiple of a {datatype}'s")
    if dtype == "bool" and not set(np.unique(np.frombuffer(raw, "uint8"))) <= {0, 1}:
        raise PayloadError(f"{where} has bytes that are neither 0 nor 1, and so no BOOL")
    array = np.frombuffer(raw, kind)
    # Classes of users change their arrays, and libraries dislike numbers across word boundaries.
    in_place = array.flags.writeable and array.flags.aligned and kind.isnative
    return array if in_place else array.astype(dtype)


def encode_raw(array: Array) -> Buffer:
    """Write an array as the bytes of a V2 tensor; without a copy where it lies in row order."""
    import numpy as np

    if array.dtype.kind in "OSU":
        return _encode_texts(array.ravel().tolist())
    flat = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1)
    return flat.view("uint8").data


def split_raw(datatypes: Sequence[str], parts: Sequence[Buffer], part: str) -> list[Array]:
    """Read one part of bytes for each tensor. Raises PayloadError when their numbers differ."""
    if len(datatypes) != len(parts):
        raise PayloadError(f"{len(datatypes)} {part} have {len(parts)} raw contents; give one each")
    return [
        decode_raw(raw, datatype, f"{part}[{i}]")
        for i, (datatype, raw) in enumerate(zip(datatypes, parts, strict=True))
    ]


def text_array(texts: Sequence[bytes]) -> Array:
    """An array of text where all of it is UTF-8, and of bytes where it is not."""
    import numpy as np

    array = np.empty(len(texts), dtype=object)
    try:
        array[:] = [text.decode() for text in texts]
    except UnicodeDecodeError:
        array[:] = texts
    return array


def text_bytes(texts: Iterable[Any]) -> list[bytes]:
    """The texts of a BYTES tensor as bytes; what is neither text nor bytes as its `str`."""
    return [item if isinstance(item, bytes) else str(item).encode() for item in texts]


def _decode_texts(raw: memoryview, where: str) -> Array:
    texts = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH_BYTES
        length = int.from_bytes(raw[at:start], "little")
        at = start + length
        if at > len(raw):
            raise PayloadError(
                f"{where} ends within a text; BYTES are texts, each after its length of 4 bytes"
            )
        texts.append(bytes(raw[start:at]))
    return text_array(texts)


def _encode_texts(texts: list[Any]) -> bytes:
    parts: list[bytes] = []
    for text in text_bytes(texts):
        parts += (len(text).to_bytes(_LENGTH_BYTES, "little"), text)
    return b"".join(parts)


def _size_of(tensor: Any, where: str) -> int | None:
    """How many bytes a tensor has after the JSON; None where its data is in the JSON."""
    parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
    size = parameters.get(SIZE) if isinstance(parameters, dict) else None
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise PayloadError(f"{where}.parameters.{SIZE} is no number of bytes")
    if "data" in tensor:
        raise PayloadError(f"{where} has both data and {SIZE}; give one of them")
    return size
