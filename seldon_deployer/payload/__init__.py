"""Seldon and V2 messages <-> arrays, frames and plain values.

JSON has no NaN: it is written as `null`, and `null` among numbers is read as NaN. An infinity
has no form at all and is an error, never an invalid document.
"""

from __future__ import annotations

from seldon_deployer.payload.arrays import to_list
from seldon_deployer.payload.exchange import build_request, read_response
from seldon_deployer.payload.seldon import (
    Form,
    Message,
    Payload,
    decode_message,
    encode_message,
)
from seldon_deployer.payload.v2 import Tensor, decode_v2, encode_v2, stack_columns

__all__ = [
    "Form",
    "Message",
    "Payload",
    "Tensor",
    "build_request",
    "decode_message",
    "decode_v2",
    "encode_message",
    "encode_v2",
    "read_response",
    "stack_columns",
    "to_list",
]
