"""What is asked of one deployment over gRPC, and what its answers mean. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seldon_deployer.client.exchange import Exchange
from seldon_deployer.client.failures import refusal, says_failure, unreadable
from seldon_deployer.client.inputs import prepare_data
from seldon_deployer.client.messages import Call, Reply
from seldon_deployer.errors import PayloadError, UsageError
from seldon_deployer.payload import Message, build_request
from seldon_deployer.payload.arrays import as_array

_SELDON = "/seldon.protos.Seldon"
_V2 = "/inference.GRPCInferenceService"
_SELDON_MESSAGE = "seldon.protos.SeldonMessage"


@dataclass(frozen=True)
class GrpcExchange(Exchange):
    """As Exchange, with protobuf in the bodies; a call's URL ends with the path of a method."""

    def ask_prediction(
        self, data: Any, *, names: Sequence[str] | None = None, outputs: Sequence[str] = ()
    ) -> Call:
        """Build the request for a prediction. Raises PayloadError or UsageError."""
        from seldon_deployer.client import grpc_wire

        if self.address.protocol == "v2":
            # Tensors are raw bytes in any case.
            message = self.build_message(data, names, outputs, as_arrays=True)
            content = grpc_wire.write_v2(message, model=self._model, version=self.address.version)
            return self._call(f"{_V2}/ModelInfer", content, doubt=self.doubter(data))
        if isinstance(data, (dict, str, bytes)):
            message = self.build_message(data, names, outputs, as_arrays=False)
            content = grpc_wire.write_seldon(message, _SELDON_MESSAGE)
        else:
            self.check_outputs(outputs)
            content = _write_rows(data, names)
        return self._call(f"{_SELDON}/Predict", content, doubt=self.doubter(data))

    def ask_feedback(
        self, request: Any, response: Message | None, *, reward: float, truth: Any
    ) -> Call:
        """Build the request that tells how good an answer was. Raises PayloadError, UsageError."""
        from seldon_deployer.client import grpc_wire

        message = self.build_feedback(request, response, reward=reward, truth=truth)
        content = grpc_wire.write_seldon(message, "seldon.protos.Feedback")
        return self._call(f"{_SELDON}/SendFeedback", content, is_repeatable=False)

    def ask_metadata(self) -> Call:
        """Build the request for the metadata of graph or model."""
        from seldon_deployer.client import grpc_wire

        if self.address.protocol == "v2":
            content = grpc_wire.write_metadata_request(self._model, self.address.version)
            return self._call(f"{_V2}/ModelMetadata", content)
        return self._call(f"{_SELDON}/GraphMetadata", b"")

    def read(self, call: Call, reply: Reply) -> Message:
        """Read an answer as the message that JSON would have. Raises PredictionError."""
        from seldon_deployer.client import grpc_wire

        if reply.status != 200:
            raise refusal(self.address.name, call, reply)
        content = bytes(reply.body)
        try:
            if call.url.endswith("/GraphMetadata"):
                return grpc_wire.read_metadata(content, "seldon.protos.SeldonGraphMetadata")
            if call.url.endswith("/ModelMetadata"):
                return grpc_wire.read_metadata(content, "inference.ModelMetadataResponse")
            if f"{_V2}/" in call.url:
                return grpc_wire.read_v2(content)
            message = grpc_wire.read_seldon(content, _SELDON_MESSAGE)
        except PayloadError as error:
            raise unreadable(self.address.name, error.what) from error
        if says_failure(message):
            raise refusal(self.address.name, call, Reply(200, {}, _as_json(message)))
        return message

    @property
    def _model(self) -> str:
        if self.address.model is None:
            raise UsageError("V2 over gRPC asks a model by its name", hint="give model=NAME")
        return self.address.model

    def _call(
        self,
        method: str,
        content: bytes,
        *,
        is_repeatable: bool = True,
        doubt: Callable[[], str] = str,
    ) -> Call:
        headers = {name.lower(): value for name, value in self.connection.credentials().items()}
        # An ingress finds the deployment by these.
        headers |= self.address.routing_headers
        return Call("POST", self.address.base + method, headers, [content], is_repeatable, doubt)


def _write_rows(data: Any, names: Sequence[str] | None) -> bytes:
    from seldon_deployer.client import grpc_wire

    data, names = prepare_data(data, names, protocol="seldon")
    names = names or []
    rows = as_array(data)
    build_request(rows[:1], names=names)  # Tells of names that are too few or too many.
    if rows.dtype.kind in "iuf":
        return grpc_wire.write_seldon_tensor(list(rows.shape), rows.ravel(), list(names))
    return grpc_wire.write_seldon(build_request(data, names=names), _SELDON_MESSAGE)


def _as_json(message: Message) -> bytes:
    """A message as JSON, for reading what it says of a failure."""
    return json.dumps(message, default=str).encode()
