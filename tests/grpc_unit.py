"""A unit's gRPC as a client sees it: a channel, and messages made from the .proto files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from unit_process import Unit

from seldon_deployer.server.grpc.definitions import message_class

MESSAGE = "seldon.protos.SeldonMessage"
SERVICES = "seldon.protos"
V2 = "inference.GRPCInferenceService"


@dataclass
class GrpcUnit:
    channel: grpc.Channel

    def call(self, method: str, request: Any, answer: str, **options: Any) -> Any:
        """Call `package.Service/Method` with a message, or with bytes that are none."""
        content = request if isinstance(request, bytes) else request.SerializeToString()
        options = {"timeout": 20, "wait_for_ready": True} | options
        call = self.channel.unary_unary(f"/{method}", None, message_class(answer).FromString)
        return call(content, **options)

    def ask(self, method: str, message: object, request: str = MESSAGE) -> dict[str, Any]:
        """Call one of Seldon's methods with a message as JSON has it, and answer the same way."""
        wire = ParseDict(message, message_class(request)())
        return as_dict(self.call(f"{SERVICES}.{method}", wire, MESSAGE))

    def infer(self, request: Any, **options: Any) -> Any:
        return self.call(f"{V2}/ModelInfer", request, "inference.ModelInferResponse", **options)


def as_dict(wire: Any) -> dict[str, Any]:
    return MessageToDict(wire, preserving_proto_field_name=True)


def connect(unit: Unit) -> GrpcUnit:
    """A channel to the port that a unit says it listens on."""
    found = re.search(r"listening on grpc://(\S+)\n", unit.log.read_text())
    assert found, unit.log.read_text()
    options = [("grpc.max_receive_message_length", -1)]
    return GrpcUnit(grpc.insecure_channel(found[1], options=options))


def infer_request(**tensors: tuple[str, list[int], Any]) -> Any:
    """A request of V2: name = (datatype, shape, raw bytes or contents by their list)."""
    request = message_class("inference.ModelInferRequest")()
    for name, (datatype, shape, given) in tensors.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=shape)
        if isinstance(given, bytes):
            request.raw_input_contents.append(given)
        else:
            for field, values in given.items():
                getattr(tensor.contents, field).extend(values)
    return request
