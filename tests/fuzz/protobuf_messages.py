"""Messages of protobuf from documents, and bytes that are nearly messages."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from hypothesis import strategies as st

from seldon_deployer.server.grpc.definitions import message_class

# What protobuf raises for documents that are none: for names that are no UTF-8 the last one.
_REFUSALS = (
    ParseError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    SystemError,
)


def wire_of(name: str, document: Any) -> bytes | None:
    """A document as the message of that name; None where it is none."""
    if name.endswith("SeldonMessageList") and isinstance(document, list):
        document = {"seldonMessages": document}
    try:
        return ParseDict(document, message_class(name)()).SerializeToString()
    except _REFUSALS:
        return None


@st.composite
def mangled(draw: Any, wire: bytes) -> bytes:
    """The bytes of a message with one thing done to them."""
    at = draw(st.integers(0, len(wire)))
    match draw(st.sampled_from(["cut", "insert", "change", "twice", "tail"])):
        case "cut":
            return wire[:at]
        case "insert":
            return wire[:at] + draw(st.binary(min_size=1, max_size=4)) + wire[at:]
        case "change":
            return wire[:at] + draw(st.binary(min_size=1, max_size=2)) + wire[at + 1 :]
        case "twice":
            return wire + wire
        case _:
            # Lengths past all memory, and groups that never end.
            tails = [b"\x0a\xff\xff\xff\xff\x0f", b"\x0b" * 200, b"\xff" * 12, b"\x3a\x80\x80\x04"]
            return wire + draw(st.sampled_from(tails))
