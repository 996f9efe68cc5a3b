"""Which row of `docs/differences.md` explains that two answers differ."""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict, SerializeToJsonError

from seldon_deployer.payload.arrays import leaves
from seldon_deployer.server.grpc.definitions import message_class

DIFFERENCES = (Path(__file__).parent.parent / "docs" / "differences.md").read_text()


@dataclass(frozen=True)
class Answer:
    """Status, kind and content of an answer; the content as JSON where it is that."""

    status: int | str
    kind: str
    content: Any

    def __eq__(self, other: object) -> bool:
        # As text: NaN is itself there, and 1 is neither 1.0 nor true.
        return isinstance(other, Answer) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def text(self) -> str:
        content = self.content
        if not isinstance(content, bytes):
            # Nor does a zero have a sign: protobuf leaves it out with the zero, or keeps it.
            content = json.dumps(content, sort_keys=True).replace("-0.0", "0.0")
        return f"{self.status} {self.kind} {content}"

    @property
    def reason(self) -> str:
        status = self.content.get("status") if isinstance(self.content, dict) else None
        return str(status.get("reason")) if isinstance(status, dict) else ""

    @property
    def info(self) -> str:
        status = self.content.get("status") if isinstance(self.content, dict) else None
        return str(status.get("info")) if isinstance(status, dict) else ""


@dataclass(frozen=True)
class Exchange:
    """One request and both answers to it; method is `gRPC` over that."""

    method: str
    path: str
    told: str
    body: bytes
    ours: Answer
    theirs: Answer

    @property
    def is_grpc(self) -> bool:
        return self.method == "gRPC"

    @property
    def document(self) -> Any:
        """What was sent, as JSON has it; None where it was no JSON."""
        if self.is_grpc:
            return read_wire(self.told, self.body)
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def kind(self) -> str:
        """What is alike about differences that have one cause, roughly."""
        words = "".join(each if each.isalpha() else " " for each in self.theirs.info).split()
        path = self.path if self.path in ("/send-feedback", "/aggregate") else "data"
        path = self.path if self.is_grpc else path
        return f"{path} {self.ours.status}/{self.theirs.status} {' '.join(words[:4])}"

    def describe(self, most: int) -> str:
        sent = self.document if self.is_grpc else self.body
        return "\n".join(
            f"    {name}: {text[:most]}"
            for name, text in (
                ("sent", f"{self.method} {self.path} {self.told} {sent!r}"),
                ("ours", self.ours.text),
                ("theirs", self.theirs.text),
            )
        )


def read_wire(name: str, content: bytes) -> Any:
    """One of Seldon's messages as JSON has it; as text where JSON does not."""
    wire = message_class(f"seldon.protos.{name}").FromString(content)
    try:
        return MessageToDict(
            wire, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except SerializeToJsonError:
        return str(wire)


Rule = Callable[[Exchange], bool]
_RULES: list[tuple[str, Rule]] = []


def explain(exchange: Exchange) -> str | None:
    """The row that explains a difference; None where none does."""
    return next((row for row, holds in _RULES if holds(exchange)), None)


def _rule(row: str) -> Callable[[Rule], Rule]:
    """Name the row that a rule is of, by how it begins there."""
    if f"| {row}" not in DIFFERENCES:
        raise ValueError(f"docs/differences.md has no row {row!r}")

    def keep(rule: Rule) -> Rule:
        _RULES.append((row, rule))
        return rule

    return keep


@_rule("unknown path; wrong method")
def _no_route(exchange: Exchange) -> bool:
    return exchange.ours.status in (404, 405) and exchange.theirs.status == 500


@_rule("`/health/ping`")
def _ping(exchange: Exchange) -> bool:
    return exchange.path == "/health/ping" and exchange.ours.content == exchange.theirs.content


@_rule("`/metadata` without an image")
def _metadata(exchange: Exchange) -> bool:
    return exchange.path == "/metadata" and exchange.theirs.content == {
        **exchange.ours.content,
        "versions": [""],
    }


@_rule("an error over gRPC")
def _grpc_error(exchange: Exchange) -> bool:
    # Both refuse, each in its way.
    return exchange.theirs.status == "UNKNOWN" and exchange.ours.status in _GRPC_ERRORS


@_rule("`/send-feedback` with a document that is no feedback")
def _no_feedback(exchange: Exchange) -> bool:
    if exchange.path != "/send-feedback":
        return False
    if exchange.ours.status == 200:
        return any(words in exchange.theirs.info for words in _PASSED_OVER)
    if exchange.ours.status != 400:
        return False
    return exchange.theirs.status != 200 or not _is_feedback(exchange.document)


@_rule("`/aggregate` with no messages")
def _no_messages(exchange: Exchange) -> bool:
    given = exchange.document
    given = given.get("seldonMessages") if isinstance(given, dict) else given
    return exchange.path == "/aggregate" and given == []


@_rule("metrics in `meta` over gRPC")
def _metrics(exchange: Exchange) -> bool:
    """The class told its meta; all else is alike."""
    if not exchange.is_grpc or not isinstance(exchange.ours.content, dict):
        return False
    told = [answer.content.get("jsonData") for answer in (exchange.ours, exchange.theirs)]
    if not all(isinstance(each, dict) and isinstance(each.get("meta"), str) for each in told):
        return False
    if sorted(told[0]["meta"]) == sorted(told[1]["meta"]):
        # A map of protobuf has no order.
        return True
    if "'metrics'" not in told[0]["meta"]:
        return False
    return {**told[0], "meta": ""} == {**told[1], "meta": ""}


@_rule("`data` without an array")
def _nothing(exchange: Exchange) -> bool:
    """Ours refuses where theirs took a message without a value for one with an empty array."""
    refused = exchange.ours.status in (400, "INVALID_ARGUMENT")
    return refused and any(map(_is_without_value, _messages_in(exchange.document)))


@_rule("`data` that is none, beside another payload")
def _other_payload(exchange: Exchange) -> bool:
    others = ("strData", "binData", "jsonData")
    # What the class makes of the other payload may be an error of its own.
    return exchange.ours.status in (200, 500) and any(
        isinstance(message, dict)
        and "data" in message
        and _is_without_value(message)
        and any(name in message for name in others)
        for message in _messages_in(exchange.document)
    )


@_rule("message that cannot be read")
def _unreadable(exchange: Exchange) -> bool:
    refused = exchange.ours.status == 400 and exchange.ours.reason == "MICROSERVICE_BAD_DATA"
    if refused and exchange.theirs.status == 500:
        return exchange.theirs.reason == "MICROSERVICE_INTERNAL_ERROR"
    # Or in other words, where theirs noticed only what came back from the class.
    return refused and exchange.theirs.info.startswith("Unknown data type returned")


@_rule("`meta` that is no object")
def _meta(exchange: Exchange) -> bool:
    return exchange.ours.status == 200 and any(
        _is_meta_malformed(message) for message in _messages_in(exchange.document)
    )


@_rule("an infinity in an answer")
def _infinity(exchange: Exchange) -> bool:
    if "Infinity" in exchange.theirs.text:
        if exchange.ours.status == 500:
            return True
        texts = [_finite(answer.text) for answer in (exchange.ours, exchange.theirs)]
        return texts[0] == texts[1]
    return exchange.is_grpc and "an infinite number has no JSON form" in exchange.ours.info


@_rule("an answer that no message can hold")
def _unsendable(exchange: Exchange) -> bool:
    return exchange.theirs.status == 500 and exchange.ours.info.startswith("the answer cannot be")


@_rule("numpy's arrays and numbers within a `dict`")
def _numpy(exchange: Exchange) -> bool:
    told = "is not JSON serializable" in exchange.theirs.info
    return told and exchange.ours.status == 200


@_rule("text beside numbers in `ndarray`")
def _mixed(exchange: Exchange) -> bool:
    # What the class was sent, or a list that it made itself.
    return any(map(_is_mixed, [*_messages_in(exchange.document), exchange.ours.content]))


@_rule("NaN in an answer")
def _nan(exchange: Exchange) -> bool:
    return _loose(exchange.theirs.content) == _loose(exchange.ours.content)


@_rule("whole numbers past 64 bits")
def _large(exchange: Exchange) -> bool:
    if not any(len(digits) > 18 for digits in re.findall(rb"\d+", exchange.body)):
        return False
    if re.search(rb"\d{20}", exchange.body) and exchange.ours.status == exchange.theirs.status:
        # A class may answer by what such a number is to it.
        return True
    # Objects are what numpy makes of them.
    texts = [
        _rounded(answer.text).replace('"None"', '"{}"').replace('"O(', '"f(')
        for answer in (exchange.ours, exchange.theirs)
    ]
    return texts[0] == texts[1]


@_rule("`reward` over REST")
def _reward(exchange: Exchange) -> bool:
    if exchange.path != "/send-feedback":
        return False
    if "Float value too" in exchange.theirs.info:
        return exchange.ours.status == 200
    contents = [_single(answer.content) for answer in (exchange.ours, exchange.theirs)]
    return contents[0] == contents[1]


@_rule("arrays of 33 to 64 dimensions")
def _dimensions(exchange: Exchange) -> bool:
    return "maximum number of dimension" in exchange.theirs.info


@_rule("names of an answer's columns where it has none")
def _no_columns(exchange: Exchange) -> bool:
    datas = []
    for answer in (exchange.ours, exchange.theirs):
        data = answer.content.get("data") if isinstance(answer.content, dict) else None
        if not isinstance(data, dict):
            return False
        datas.append({**data, "names": []})
    return datas[0] == datas[1] and exchange.ours.content["data"].get("names") == []


@_rule("`meta` of a request without one")
def _no_meta(exchange: Exchange) -> bool:
    """The class told what it was given, in the words of Python."""
    texts = [answer.text.replace('"None"', '"{}"') for answer in (exchange.ours, exchange.theirs)]
    return texts[0] == texts[1] and isinstance(exchange.document, dict)


# What theirs refuses in parts of feedback that no class is told of.
_PASSED_OVER = (
    "has no field named",
    "should not have multiple",
    "int too large to convert to float",
    "Failed to parse strData field",
    "Failed to parse binData field",
    "Failed to parse meta field",
)
_GRPC_ERRORS = ("INVALID_ARGUMENT", "INTERNAL", "NOT_FOUND", "UNIMPLEMENTED")


def _messages_in(document: Any) -> list[Any]:
    """The messages of a document: itself, those of a list, those of feedback."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        listed = document.get("seldonMessages")
        parts = [document.get(name) for name in ("request", "response", "truth")]
        return [document, *(listed if isinstance(listed, list) else []), *parts]
    return [document]


def _is_feedback(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    reward = document.get("reward") or 0
    parts = [document.get(name) for name in ("request", "response", "truth")]
    return (
        isinstance(reward, (int, float))
        and math.isfinite(reward)
        and all(isinstance(part, dict) for part in parts if part is not None)
    )


def _is_without_value(message: Any) -> bool:
    """Whether a message has no payload, or one that is none: what theirs takes for empty."""
    if not isinstance(message, dict):
        return True
    data = message.get("data")
    if "data" in message:
        return not isinstance(data, dict) or not _has_array(data)
    if "binData" in message:
        return not _is_base64(message["binData"])
    if "strData" in message:
        return not isinstance(message["strData"], str)
    return "jsonData" not in message


def _has_array(data: dict[str, Any]) -> bool:
    if "tensor" in data:
        tensor = data["tensor"]
        return isinstance(tensor, dict) and isinstance(tensor.get("values"), list)
    return isinstance(data.get("ndarray"), list) and isinstance(data.get("names", []), list)


def _is_base64(text: Any) -> bool:
    try:
        b64decode(text, validate=True)
    except (TypeError, ValueError):
        return False
    return True


def _is_meta_malformed(message: Any) -> bool:
    meta = message.get("meta", {}) if isinstance(message, dict) else {}
    if not isinstance(meta, dict):
        return True
    parts = [meta.get(name, {}) for name in ("tags", "requestPath")]
    return not (
        all(isinstance(part, dict) for part in parts) and isinstance(meta.get("metrics", []), list)
    )


def _is_mixed(message: Any) -> bool:
    """Whether an array holds text and something else."""
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict):
        return False
    tensor = data.get("tensor")
    values = tensor.get("values") if isinstance(tensor, dict) else data.get("ndarray")
    kinds = {isinstance(leaf, str) for leaf in leaves(values if isinstance(values, list) else [])}
    return len(kinds) == 2


def _loose(content: Any) -> Any:
    """What is left of an answer where NaN and null are one, and arrays with them are of floats."""
    if isinstance(content, dict):
        return {name: _loose(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_loose(value) for value in content]
    if content == "NaN" or content != content:
        return None
    return content if isinstance(content, bool) or not isinstance(content, int) else float(content)


def _single(content: Any) -> Any:
    """Numbers as 32 bits hold them."""
    if isinstance(content, dict):
        return {name: _single(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_single(value) for value in content]
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return float(np.float32(content))
    return content


def _finite(text: str) -> str:
    """A text with null for each infinity."""
    return re.sub(r"-?Infinity", "null", text)


def _rounded(text: str) -> str:
    """A text whose long numbers are written as floats are."""
    return re.sub(_LONG, lambda found: f"{float(found[0]):.6g}", text)


_LONG = re.compile(r"-?(\d{18,}(\.\d+)?|\d\.\d+e\+\d+)")
