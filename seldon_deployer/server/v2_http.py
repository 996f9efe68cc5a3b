"""V2 requests and answers over HTTP with binary tensor data after their JSON.

Source: Open Inference Protocol, "Binary Tensor Data Extension".
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message
from seldon_deployer.payload.v2_binary import Buffer, attach_binary, detach_binary
from seldon_deployer.server.encoding import decode_json, encode_json
from seldon_deployer.server.request import Scope, read_message

HEADER_LENGTH = b"inference-header-content-length"
_MOST_DIGITS = 20


def read_inference(scope: Scope, body: bytes) -> Any:
    """Read a request: JSON, or JSON of the length that the header tells, and tensors behind it.

    Raises PayloadError where the header, the sizes of the tensors and the body do not agree.
    """
    told = next((value for name, value in scope["headers"] if name == HEADER_LENGTH), None)
    if told is None:
        return read_message(scope, body)
    # No longer a number than a body's size: reading one takes its length squared.
    length = int(told) if told.isdigit() and len(told) <= _MOST_DIGITS else -1
    if not 0 <= length <= len(body):
        raise PayloadError(
            f"Inference-Header-Content-Length is {told.decode('latin-1')[:40]}, and the body has "
            f"{len(body)} bytes"
        )
    whole = memoryview(body)
    message = decode_json(bytes(whole[:length]))
    if not isinstance(message, dict):
        raise PayloadError("the JSON before the tensors is no object")
    return attach_binary(message, "inputs", whole[length:])


def write_inference(answer: Message) -> tuple[list[tuple[bytes, bytes]], list[Buffer]]:
    """Write an answer: the headers that tell what it is, and the parts of its body.

    Raises TypeError or ValueError for what JSON cannot hold.
    """
    if "outputs" not in answer:
        return [(b"content-type", b"application/json")], [encode_json(answer)]
    described, tensors = detach_binary(answer, "outputs")
    text = encode_json(described)
    if not tensors:
        return [(b"content-type", b"application/json")], [text]
    headers = [
        (b"content-type", b"application/octet-stream"),
        (HEADER_LENGTH, b"%d" % len(text)),
    ]
    return headers, [text, *tensors]
