"""What is asked of one deployment and what its answers mean. No I/O."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from seldon_deployer.client.address import Address
from seldon_deployer.client.connection import Connection
from seldon_deployer.client.doubts import find_doubt, looks_like_json
from seldon_deployer.client.failures import (
    no_message,
    read_json,
    refusal,
    says_failure,
    unreadable,
)
from seldon_deployer.client.inputs import prepare_data
from seldon_deployer.client.messages import Buffer, Call, Reply
from seldon_deployer.client.tables import to_pandas, to_polars
from seldon_deployer.errors import PayloadError, UsageError
from seldon_deployer.payload import Message, build_request, read_response
from seldon_deployer.payload.v2_binary import attach_binary, detach_binary

log = logging.getLogger(__name__)

Returns = Literal["value", "message", "pandas", "polars"]

# Source: Open Inference Protocol, "Binary Tensor Data Extension".
LENGTH_HEADER = "Inference-Header-Content-Length"
_BINARY_OUTPUT = "binary_data_output"


@dataclass(frozen=True)
class Exchange:
    """Builds the requests to one address and reads its answers."""

    address: Address
    connection: Connection = field(default_factory=Connection)
    is_binary: bool = False
    """Whether tensors travel as bytes: an extension of V2 that not every server has."""

    def __post_init__(self) -> None:
        if self.is_binary and self.address.protocol != "v2":
            raise UsageError(
                "binary tensors are an extension of protocol v2", hint="leave out binary=True"
            )

    def ask_prediction(
        self, data: Any, *, names: Sequence[str] | None = None, outputs: Sequence[str] = ()
    ) -> Call:
        """Build the request for a prediction. Raises PayloadError or UsageError."""
        message = self.build_message(data, names, outputs, as_arrays=self.is_binary)
        if self.is_binary:
            parameters = message.get("parameters") or {}
            message = {**message, "parameters": {_BINARY_OUTPUT: True, **parameters}}
        return self.ask(self.address.prediction_url, message, doubt=self.doubter(data))

    def ask_feedback(
        self, request: Any, response: Message | None, *, reward: float, truth: Any
    ) -> Call:
        """Build the request that tells how good an answer was. Raises PayloadError, UsageError."""
        message = self.build_feedback(request, response, reward=reward, truth=truth)
        return self.ask(self.address.feedback_url, message, is_repeatable=False)

    def ask_explanation(
        self, data: Any, *, predictor: str, url: str | None, names: Sequence[str] | None
    ) -> Call:
        """Build the request for an explanation, which is JSON: explainers read no binary."""
        if self.address.is_grpc:
            raise UsageError(
                "explainers are not asked over gRPC", hint="make a client of http://..."
            )
        with _needing_numpy():
            data, names = prepare_data(data, names, protocol=self.address.protocol)
            message = build_request(data, protocol=self.address.protocol, names=names)
        return self.ask(url or self.address.explanation_url(predictor), message)

    def ask_metadata(self) -> Call:
        """Build the request for the metadata of graph or model."""
        headers = {"Accept": "application/json", **self.connection.credentials()}
        return Call("GET", self.address.metadata_url, headers)

    def doubter(self, data: Any) -> Callable[[], str]:
        """What says, if the model refuses these data, what to try: most that are asked are not."""
        return partial(find_doubt, data, self.address.protocol)

    def ask(
        self,
        url: str,
        message: Message,
        *,
        is_repeatable: bool = True,
        doubt: Callable[[], str] = str,
    ) -> Call:
        """Build a request of a whole message, JSON or with bytes behind it."""
        parts: list[Buffer] = []
        if self.is_binary:
            message, parts = detach_binary(message, "inputs")
        head = _encode(message, doubt)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if parts:
            headers["Content-Type"] = "application/octet-stream"
            headers[LENGTH_HEADER] = str(len(head))
            headers["Accept"] = "application/octet-stream, application/json"
        headers |= self.connection.credentials()
        return Call("POST", url, headers, [head, *parts], is_repeatable, doubt)

    def build_feedback(
        self, request: Any, response: Message | None, *, reward: float, truth: Any
    ) -> Message:
        """Build a Feedback message. Raises PayloadError, or UsageError for V2."""
        self.address.check_feedback()
        message: Message = {"reward": reward}
        with _needing_numpy():
            for name, data in (("request", request), ("truth", truth)):
                if data is not None:
                    rows, names = prepare_data(data, None, protocol="seldon")
                    message[name] = build_request(rows, names=names)
        return message if response is None else {**message, "response": response}

    def build_message(
        self, data: Any, names: Sequence[str] | None, outputs: Sequence[str], *, as_arrays: bool
    ) -> Message:
        """Build the message that asks for a prediction. Raises PayloadError or UsageError."""
        self.check_outputs(outputs)
        if isinstance(data, str) and looks_like_json(data):
            log.warning(
                "the text looks like JSON, and is sent to %s as text: for rows give the value, "
                "json.loads(text)",
                self.address.name,
            )
        with _needing_numpy():
            data, names = prepare_data(data, names, protocol=self.address.protocol)
            message = build_request(
                data, protocol=self.address.protocol, names=names, as_arrays=as_arrays
            )
        if outputs:
            message = {**message, "outputs": [{"name": name} for name in outputs]}
        return message

    def check_outputs(self, outputs: Sequence[str]) -> None:
        """Raise UsageError where outputs are named that the protocol cannot name."""
        if outputs and self.address.protocol != "v2":
            raise UsageError("only protocol v2 has named outputs", hint="leave out outputs")

    def read(self, call: Call, reply: Reply) -> Message:
        """Read an answer as a whole message. Raises PredictionError for every other."""
        length = reply.headers.get(LENGTH_HEADER.lower())
        if length is not None and reply.status == 200:
            return self._read_binary(call, reply, length)
        message = read_json(reply) if reply.status == 200 else None
        if reply.status != 200 or says_failure(message):
            raise refusal(self.address.name, call, reply)
        if not isinstance(message, dict):
            raise no_message(self.address.name, call, reply)
        return message

    def read_value(self, message: Message, data: Any, returns: Returns) -> Any:
        """Take what is wanted out of a prediction's message; `data` is what was asked with."""
        if returns not in get_args(Returns):
            known = ", ".join(get_args(Returns))
            raise UsageError(f"returns={returns!r} is none of {known}")
        if returns == "message" or (isinstance(data, dict) and returns == "value"):
            return message
        protocol = self.address.protocol
        try:
            with _needing_numpy():
                if returns == "pandas":
                    return to_pandas(message, protocol, index=getattr(data, "index", None))
                if returns == "polars":
                    return to_polars(message, protocol)
                return read_response(message, protocol=protocol)
        except PayloadError as error:
            raise unreadable(self.address.name, error.what) from error

    def read_explanation(self, message: Message) -> Any:
        """Take the explanation out of an answer: V2 explainers write it as JSON in a text."""
        if self.address.protocol == "seldon":
            return message
        try:
            value = read_response(message, protocol="v2")
            return json.loads(value.ravel()[0])
        except (PayloadError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise unreadable(self.address.name, "the output is no explanation") from error

    def _read_binary(self, call: Call, reply: Reply, length: str) -> Message:
        view = memoryview(reply.body)
        if not (length.isascii() and length.isdigit()) or int(length) > len(view):
            raise no_message(self.address.name, call, reply)
        head, raw = view[: int(length)], view[int(length) :]
        message = read_json(Reply(reply.status, reply.headers, bytes(head)))
        if not isinstance(message, dict):
            raise no_message(self.address.name, call, reply)
        try:
            return attach_binary(message, "outputs", raw)
        except PayloadError as error:
            raise unreadable(self.address.name, error.what) from error


@contextmanager
def _needing_numpy() -> Iterator[None]:
    """Rows are arrays; text, bytes and whole messages go without numpy."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise UsageError(
            "rows of data need numpy, which is not installed",
            hint="pip install numpy; or give a whole message as a dict",
        ) from error


def _encode(message: Message, doubt: Callable[[], str]) -> bytes:
    try:
        return json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(
            "the message cannot be sent as JSON",
            why=str(error),
            hint=doubt()
            or "a whole message holds what JSON has: lists, texts, numbers, and None "
            "for NaN; rows and arrays by themselves are written for you",
        ) from error
