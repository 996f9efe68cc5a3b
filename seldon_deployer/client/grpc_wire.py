"""Messages as both protocols have them in JSON <-> protobuf, as gRPC carries them.

The messages are those of the .proto files beside the server, read as data: pools of their own, so
that other packages in the process may define messages of these names too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message, decode_v2
from seldon_deployer.payload.datatypes import DTYPES, datatype_of
from seldon_deployer.payload.v2_binary import decode_raw, encode_raw, text_array

_DESCRIPTORS = "server/grpc/protos/descriptors.binpb"
_CONTENTS = ("bool", "int", "int64", "uint", "uint64", "fp32", "fp64", "bytes")


def write_seldon(message: Message, kind: str) -> bytes:
    """Write a message of Seldon's protocol as the protobuf message `kind`. Raises PayloadError."""
    try:
        content: bytes = ParseDict(message, _message(kind)).SerializeToString()
    except (ParseError, TypeError, ValueError) as error:
        raise PayloadError(f"the message is no {kind}", why=str(error)) from error
    return content


def write_seldon_tensor(shape: list[int], values: Any, names: list[str]) -> bytes:
    """Write numbers as a SeldonMessage: as doubles, in which NaN and infinities have a form."""
    wire = _message("seldon.protos.SeldonMessage")
    wire.data.names.extend(names)
    wire.data.tensor.shape.extend(shape)
    wire.data.tensor.values.extend(values)
    content: bytes = wire.SerializeToString()
    return content


def read_seldon(content: bytes, kind: str) -> Message:
    """Read a protobuf message `kind` of Seldon's protocol. Raises PayloadError."""
    wire = _parse(content, kind)
    message: Message = MessageToDict(wire)
    if kind.endswith(".SeldonMessage") and wire.data.WhichOneof("data_oneof") == "tensor":
        # JSON's rules would make words of NaN, and leave out a shape without rows.
        tensor = wire.data.tensor
        told = {"shape": list(tensor.shape), "values": list(tensor.values)}
        message["data"] = {**message["data"], "tensor": told}
    return message


def write_v2(message: Message, *, model: str, version: str | None) -> bytes:
    """Write a V2 request as a ModelInferRequest, its tensors as bytes. Raises PayloadError."""
    wire = _message("inference.ModelInferRequest")
    wire.model_name, wire.model_version = model, version or ""
    wire.id = str(message.get("id") or "")
    _write_parameters(message.get("parameters"), wire.parameters)
    described = decode_v2(message, "inputs")
    for tensor, given in zip(described, message["inputs"], strict=True):
        written = wire.inputs.add()
        written.name = tensor.name
        written.datatype = given.get("datatype") or datatype_of(tensor.array)
        written.shape.extend(tensor.array.shape)
        _write_parameters(given.get("parameters"), written.parameters)
        wire.raw_input_contents.append(bytes(encode_raw(tensor.array)))
    for output in message.get("outputs") or ():
        wire.outputs.add().name = str(output["name"])
    content: bytes = wire.SerializeToString()
    return content


def read_v2(content: bytes) -> Message:
    """Read a ModelInferResponse; tensors hold arrays. Raises PayloadError."""
    wire = _parse(content, "inference.ModelInferResponse")
    raw = wire.raw_output_contents
    if raw and len(raw) != len(wire.outputs):
        raise PayloadError(f"{len(wire.outputs)} outputs have {len(raw)} raw contents")
    outputs: list[Message] = []
    for i, output in enumerate(wire.outputs):
        where = f"outputs[{i}]"
        told = {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
        data = decode_raw(raw[i], output.datatype, where) if raw else _read_contents(output, where)
        outputs.append({**told, "data": data})
    return {
        "model_name": wire.model_name,
        "model_version": wire.model_version,
        "id": wire.id,
        "parameters": _read_parameters(wire.parameters),
        "outputs": outputs,
    }


def write_metadata_request(model: str, version: str | None) -> bytes:
    """Write a ModelMetadataRequest of V2."""
    wire = _message("inference.ModelMetadataRequest")
    wire.name, wire.version = model, version or ""
    content: bytes = wire.SerializeToString()
    return content


def read_metadata(content: bytes, kind: str) -> Message:
    """Read metadata of either protocol; names are as the .proto files have them."""
    told: Message = MessageToDict(_parse(content, kind), preserving_proto_field_name=True)
    return told


def _read_contents(output: Any, where: str) -> Any:
    for name in _CONTENTS:
        values = getattr(output.contents, f"{name}_contents")
        if values:
            return text_array(list(values)) if name == "bytes" else list(values)
    if output.datatype not in DTYPES:
        raise PayloadError(f"{where}.datatype is none of {', '.join(DTYPES)}")
    return []


def _write_parameters(given: Any, written: Any) -> None:
    for name, value in (given or {}).items():
        if isinstance(value, bool):
            written[name].bool_param = value
        elif isinstance(value, int):
            written[name].int64_param = value
        elif isinstance(value, float):
            written[name].double_param = value
        else:
            written[name].string_param = str(value)


def _read_parameters(written: Mapping[str, Any]) -> Message:
    return {
        name: getattr(each, each.WhichOneof("parameter_choice") or "string_param")
        for name, each in written.items()
    }


def _parse(content: bytes, kind: str) -> Any:
    wire = _message(kind)
    try:
        wire.ParseFromString(content)
    except DecodeError as error:
        raise PayloadError(f"the answer is no {kind}") from error
    return wire


def _message(kind: str) -> Any:
    return GetMessageClass(_pool().FindMessageTypeByName(kind))()


@cache
def _pool() -> DescriptorPool:
    content = files("seldon_deployer").joinpath(_DESCRIPTORS).read_bytes()
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(content).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool
