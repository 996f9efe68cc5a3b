"""gRPC's reflection: which services there are, and the .proto files that describe them.

Source: gRPC, "GRPC Server Reflection Protocol".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError

from seldon_deployer.rpc.serving import Call
from seldon_deployer.rpc.status import RpcError, StatusCode
from seldon_deployer.server.grpc.definitions import message_class, wire_pool

_PACKAGE = "grpc.reflection.v1"


async def answer_reflection(call: Call, services: Collection[str]) -> None:
    """Answer the questions of one stream, each by a message. Raises RpcError."""
    request = message_class(f"{_PACKAGE}.ServerReflectionRequest")
    while (content := await call.read()) is not None:
        try:
            asked = request.FromString(bytes(content))
        except DecodeError as error:
            raise RpcError(StatusCode.INTERNAL, "the request is none of reflection's") from error
        call.write([_answer(asked, services).SerializeToString()])


def _answer(asked: Any, services: Collection[str]) -> Any:
    told = message_class(f"{_PACKAGE}.ServerReflectionResponse")(
        valid_host=asked.host, original_request=asked
    )
    kind = asked.WhichOneof("message_request")
    pool = wire_pool()
    try:
        match kind:
            case "list_services":
                for name in sorted(services):
                    told.list_services_response.service.add(name=name)
            case "file_by_filename":
                _add_files(told, pool.FindFileByName(asked.file_by_filename))
            case "file_containing_symbol":
                _add_files(told, pool.FindFileContainingSymbol(asked.file_containing_symbol))
            case "all_extension_numbers_of_type":
                name = asked.all_extension_numbers_of_type
                pool.FindMessageTypeByName(name)
                told.all_extension_numbers_response.base_type_name = name
            case _:
                raise KeyError(kind)
    except KeyError:
        told.error_response.error_code = StatusCode.NOT_FOUND
        told.error_response.error_message = "nothing of that name is known here"
    return told


def _add_files(told: Any, file: Any) -> None:
    """The file and all that it builds on, each once."""
    left, known = [file], set()
    while left:
        each = left.pop()
        if each.name in known:
            continue
        known.add(each.name)
        left += each.dependencies
        written = FileDescriptorProto()
        each.CopyToProto(written)
        told.file_descriptor_response.file_descriptor_proto.append(written.SerializeToString())
