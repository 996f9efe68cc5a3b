"""V2's protobuf messages <-> the messages that the handlers take, with arrays in their tensors.

Source: Open Inference Protocol, gRPC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message
from seldon_deployer.payload.datatypes import dtype_of
from seldon_deployer.payload.v2_binary import (
    Buffer,
    encode_raw,
    split_raw,
    text_array,
    text_bytes,
)
from seldon_deployer.rpc.fields import join_field, settle_field, split_field
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.grpc.definitions import message_class, packed_class
from seldon_deployer.server.grpc.operation import Parts

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

REQUEST = "inference.ModelInferRequest"
_RAW_INPUT = 7
_RAW_OUTPUT = 6
# The list that holds a datatype's values. FP16 has none: it is raw always.
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def read_request(content: Buffer) -> tuple[Message, bool]:
    """Read a ModelInferRequest, and whether its tensors are raw.

    Raises PayloadError for tensors that do not fit their datatype, or bytes that are no request.
    """
    try:
        rest, raw = split_field(content, _RAW_INPUT)
        wire = message_class(REQUEST).FromString(rest)
    except (ValueError, DecodeError) as error:
        raise PayloadError("the request is no inference.ModelInferRequest") from error
    if raw:
        # The first one has the rest of the message before it, which is copied; the others have
        # their tag and length, of four bytes at least.
        raw = [settle_field(each, before=4 if i else 8) for i, each in enumerate(raw)]
        arrays = split_raw([tensor.datatype for tensor in wire.inputs], raw, "inputs")
    else:
        arrays = [_read_contents(tensor, f"inputs[{i}]") for i, tensor in enumerate(wire.inputs)]
    message: Message = {
        "model_name": wire.model_name,
        "model_version": wire.model_version,
        "id": wire.id,
        "parameters": _read_parameters(wire.parameters),
        "inputs": [
            {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": list(tensor.shape),
                "parameters": _read_parameters(tensor.parameters),
                "data": array,
            }
            for tensor, array in zip(wire.inputs, arrays, strict=True)
        ],
        "outputs": [
            {"name": output.name, "parameters": _read_parameters(output.parameters)}
            for output in wire.outputs
        ],
    }
    return message, bool(raw)


def write_response(message: Message, *, raw: bool) -> Parts:
    """Write an answer, whose tensors hold arrays, as a ModelInferResponse.

    raw: the tensors as bytes, as the request had them; so it is too where one of them is FP16,
    which has no other form.
    """
    wire = packed_class("inference.ModelInferResponse")()
    wire.model_name, wire.model_version = message["model_name"], message["model_version"]
    wire.id = str(message["id"])
    raw = raw or any(tensor["datatype"] == "FP16" for tensor in message["outputs"])
    contents: list[Buffer] = []
    try:
        _write_parameters(message["parameters"], wire.parameters)
        for tensor in message["outputs"]:
            output = wire.outputs.add()
            output.name, output.datatype = tensor["name"], tensor["datatype"]
            output.shape.extend(tensor["shape"])
            _write_parameters(tensor.get("parameters", {}), output.parameters)
            if raw:
                contents += join_field(_RAW_OUTPUT, encode_raw(tensor["data"]))
            else:
                _write_contents(tensor["data"], tensor["datatype"], output.contents)
    except (TypeError, ValueError) as error:
        raise UnitError(f"the answer cannot be sent: {error}", 500, REASON_INTERNAL) from error
    return [wire.SerializeToString(), *contents]


def write_metadata(described: Message) -> bytes:
    """Write a model's metadata as a ModelMetadataResponse; what it has no field for is left out.

    Raises UnitError 500 for a description that is none: it is the model's own.
    """
    wire = message_class("inference.ModelMetadataResponse")()
    wire.name, wire.platform = described["name"], described["platform"]
    wire.versions.extend(described["versions"])
    try:
        for part in ("inputs", "outputs"):
            for tensor in described[part]:
                written = getattr(wire, part).add()
                written.name = tensor.get("name", "")
                written.datatype = tensor.get("datatype", "")
                written.shape.extend(tensor.get("shape", []))
    except (AttributeError, TypeError, ValueError) as error:
        raise UnitError(
            f"init_metadata tells no tensors of V2: {error}", 500, REASON_INTERNAL
        ) from error
    content: bytes = wire.SerializeToString()
    return content


def _read_contents(tensor: Any, where: str) -> Array:
    import numpy as np

    dtype = dtype_of(tensor.datatype, where)
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise PayloadError(f"{where} is {tensor.datatype}, which goes into raw_input_contents")
    for given, _ in tensor.contents.ListFields():
        if given.name != field:
            raise PayloadError(f"{where} is {tensor.datatype}, whose values go into {field}")
    values = getattr(tensor.contents, field)
    if dtype == "object":
        return text_array(list(values))
    array = np.array(values)
    converted = array.astype(dtype)
    if dtype not in ("float32", "float64") and (converted != array).any():
        raise PayloadError(f"{where} has values that do not fit {tensor.datatype}")
    return converted


def _write_contents(array: Array, datatype: str, into: Any) -> None:
    field = getattr(into, _CONTENTS[datatype])
    if datatype == "BYTES":
        field.extend(text_bytes(array.ravel().tolist()))
    elif datatype in ("FP32", "FP64"):
        # In the class for writing: the list as the bytes that it is on the wire.
        field.append(bytes(encode_raw(array)))
    else:
        field.extend(array.ravel().tolist())


def _read_parameters(wire: Any) -> dict[str, Any]:
    chosen = ((name, value, value.WhichOneof("parameter_choice")) for name, value in wire.items())
    return {name: getattr(value, kind) for name, value, kind in chosen if kind is not None}


def _write_parameters(parameters: Mapping[str, Any], into: Any) -> None:
    for name, value in parameters.items():
        match value:
            case bool():
                into[name].bool_param = value
            case int():
                into[name].int64_param = value
            case float():
                into[name].double_param = value
            case _:
                into[name].string_param = str(value)
