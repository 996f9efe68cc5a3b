"""What the orchestrator asks of units: paths by protocol, and what it reads of their answers.

Source: Seldon Core 1.17.1's executor, observed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

JSON = b"application/json"

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
    """A body on its way, unread: with its kind and encoding as headers tell them."""

    body: bytes = b""
    content_type: bytes | None = None
    encoding: bytes | None = None


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

        Raises WalkFailed or ConnectionDropped, as the orchestrator fails or falls.
        """
        if not self.is_v2:
            return message
        body = _read_json(message.body)
        if not isinstance(body, dict):
            raise ConnectionDropped("the body of a V2 request or answer is no JSON object")
        if "inputs" in body:
            return message
        if "outputs" not in body:
            raise WalkFailed(
                "Failed to convert kfserving response so it could be chained to new input"
            )
        body["inputs"] = body.pop("outputs")
        return Message(write_json(body), message.content_type)


def read_branch(body: bytes) -> int:
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
            json.loads(message.body)
        except ValueError:
            raise WalkFailed("Data is not JSON") from None
    return Message(b"[" + b",".join(message.body for message in messages) + b"]", JSON)


def inject_routing(message: Message, routing: dict[str, int]) -> Message:
    """Write where a request went into an answer that has `meta`; any other stays as it is."""
    try:
        body = json.loads(message.body, parse_float=_go_number)
    except ValueError:
        return message
    if not isinstance(body, dict) or not isinstance(body.get("meta"), dict):
        return message
    body["meta"]["routing"] = routing
    return Message(write_json(body), message.content_type)


def read_routing(body: bytes) -> dict[str, int]:
    """Where the request of a feedback went, as it says itself; {} where it does not."""
    try:
        routing = json.loads(body)["response"]["meta"]["routing"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(routing, dict):
        return {}
    return {name: branch for name, branch in routing.items() if isinstance(branch, int)}


def write_json(value: Any) -> bytes:
    """JSON as Go writes it: sorted and compact."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=_go_number)
    except ValueError as error:
        raise WalkFailed(str(error)) from None


def _go_number(text: str) -> float | int:
    """A number as Go writes it again: 1.0 becomes 1."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number
