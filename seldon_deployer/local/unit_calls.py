"""What the orchestrator asks of units: paths by protocol, and what it reads of their answers.

Source: Seldon Core 1.17.1's executor, observed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.v2_binary import Buffer, attach_binary

JSON = b"application/json"
# How long V2's JSON is where the bytes of tensors follow it.
JSON_LENGTH = b"inference-header-content-length"
# Asks a unit for its tensors as bytes.
_WANTS_BYTES = "binary_data_output"

_SELDON_PATHS = {
    "predict": "/predict",
    "transform-input": "/transform-input",
    "transform-output": "/transform-output",
    "route": "/route",
    "aggregate": "/aggregate",
    "send-feedback": "/send-feedback",
    "status": "/health/status",
    "metadata": "/metadata",
}
_V2_PATHS = {
    "predict": "/v2/models/{model}/infer",
    "transform-input": "/v2/models/{model}/infer",
    "transform-output": "/v2/models/{model}/infer",
    "route": "/v2/models/{model}/route",
    "aggregate": "/v2/models/{model}/aggregate",
    "status": "/v2/models/{model}/ready",
    "metadata": "/v2/models/{model}",
}


@dataclass(frozen=True)
class Message:
    """A body on its way, unread: with its kind and encoding as headers tell them.

    json_length: of V2's JSON where the bytes of tensors follow it. is_answer: whether a unit said
    it, where the body does not tell.
    """

    body: Buffer = b""
    content_type: bytes | None = None
    encoding: bytes | None = None
    json_length: int | None = None
    is_answer: bool = False

    @property
    def json(self) -> Buffer:
        """The body without the bytes of tensors."""
        return self.body if self.json_length is None else self.body[: self.json_length]

    @property
    def tensors(self) -> Buffer:
        """The bytes of tensors."""
        return b"" if self.json_length is None else self.body[self.json_length :]


def read_length(text: bytes | None) -> int | None:
    """The length that a header tells; None where there is none, or nonsense."""
    return int(text) if text is not None and text.isdigit() else None


class WalkFailed(Exception):
    """The orchestrator cannot go on: it answers 500, with this text."""


class ConnectionDropped(Exception):
    """What the orchestrator falls over: its client is left without an answer."""


@dataclass(frozen=True)
class Dialect:
    """How units are spoken to. `model` is the name that a V2 request gave: then it is every
    unit's.
    """

    is_v2: bool = False
    model: str | None = None

    def path(self, step: str, unit: str) -> str:
        """Where a unit does a step."""
        if self.is_v2:
            return _V2_PATHS[step].format(model=self.model or unit)
        return _SELDON_PATHS[step]

    def chain(self, message: Message) -> Message:
        """Make what one unit answered what the next one is asked: V2 outputs become inputs.

        Tensors that came as bytes go on as bytes, and bytes are asked for again. Raises WalkFailed
        or ConnectionDropped, as the orchestrator fails or falls.
        """
        if not self.is_v2:
            return message
        body = _read_json(message.json)
        if not isinstance(body, dict):
            raise ConnectionDropped("the body of a V2 request or answer is no JSON object")
        if "inputs" in body:
            return message
        if "outputs" not in body:
            raise WalkFailed(
                "Failed to convert kfserving response so it could be chained to new input"
            )
        body["inputs"] = body.pop("outputs")
        if message.json_length is None:
            return Message(write_json(body), message.content_type)
        given = body.get("parameters")
        body["parameters"] = {**(given if isinstance(given, dict) else {}), _WANTS_BYTES: True}
        text = write_json(body)
        whole = b"".join((text, message.tensors))
        return Message(whole, message.content_type, json_length=len(text))

    def read_branch(self, answer: Message) -> int:
        """The branch that a router chose. Raises ConnectionDropped or WalkFailed."""
        return read_branch(answer.body)

    def plain(self, message: Message) -> Message:
        """The message as JSON alone, which routers and combiners read. Raises WalkFailed."""
        if message.json_length is None:
            return message
        body = _read_json(message.json)
        part: Any = "outputs" if isinstance(body, dict) and "outputs" in body else "inputs"
        try:
            whole = attach_binary(body, part, message.tensors)
        except (PayloadError, AttributeError) as error:
            raise WalkFailed(str(error)) from error
        return Message(write_json({**whole, part: [_as_list(each) for each in whole[part]]}), JSON)

    def join(self, answers: list[Message]) -> Message:
        """All branches' answers as a combiner gets them. Raises WalkFailed."""
        return join_messages([self.plain(answer) for answer in answers])

    def tell_routing(self, answer: Message, routing: dict[str, int]) -> Message:
        """An answer that tells where its request went."""
        return inject_routing(answer, routing)

    def read_routing(self, feedback: Message) -> dict[str, int]:
        """Where the request of a feedback went."""
        return read_routing(feedback.body)


def _as_list(tensor: dict[str, Any]) -> dict[str, Any]:
    """A tensor with its array as a list, and without the size that it had in bytes."""
    parameters = {
        name: value
        for name, value in tensor.get("parameters", {}).items()
        if name != "binary_data_size"
    }
    data = tensor["data"]
    listed = data if isinstance(data, list) else data.ravel().tolist()
    return {**tensor, "parameters": parameters, "data": listed}


def read_branch(body: Buffer) -> int:
    """The branch that a router chose: the first number of its answer.

    Raises ConnectionDropped where there is no number, WalkFailed where there is no message.
    """
    answer = _read_json(body)
    if isinstance(answer, dict):
        if "data" not in answer and "outputs" in answer:
            raise WalkFailed("json: cannot unmarshal object into Go value of type []int")
        data = answer.get("data")
        data = data if isinstance(data, dict) else {}
        answer = data.get("ndarray") or (data.get("tensor") or {}).get("values")
    first = answer
    for _ in range(2):
        if isinstance(first, list):
            first = first[0] if first else None
    if not isinstance(first, int | float) or isinstance(first, bool):
        raise ConnectionDropped("the router's answer holds no number of a branch")
    return int(first)


def join_messages(messages: list[Message]) -> Message:
    """All branches' answers as the array that a combiner gets; raises WalkFailed for no JSON."""
    for message in messages:
        try:
            json.loads(bytes(message.body))
        except ValueError:
            raise WalkFailed("Data is not JSON") from None
    return Message(b"".join((b"[", b",".join(each.body for each in messages), b"]")), JSON)


def inject_routing(message: Message, routing: dict[str, int]) -> Message:
    """Write where a request went into an answer that has `meta`; any other stays as it is."""
    try:
        body = json.loads(bytes(message.body), parse_float=_go_number)
    except ValueError:
        return message
    if not isinstance(body, dict) or not isinstance(body.get("meta"), dict):
        return message
    body["meta"]["routing"] = routing
    return Message(write_json(body), message.content_type)


def read_routing(body: Buffer) -> dict[str, int]:
    """Where the request of a feedback went, as it says itself; {} where it does not."""
    try:
        routing = json.loads(bytes(body))["response"]["meta"]["routing"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(routing, dict):
        return {}
    return {name: branch for name, branch in routing.items() if isinstance(branch, int)}


def write_json(value: Any) -> bytes:
    """JSON as Go writes it: sorted and compact."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _read_json(body: Buffer) -> Any:
    try:
        return json.loads(bytes(body), parse_float=_go_number)
    except ValueError as error:
        raise WalkFailed(str(error)) from None


def _go_number(text: str) -> float | int:
    """A number as Go writes it again: 1.0 becomes 1."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number
