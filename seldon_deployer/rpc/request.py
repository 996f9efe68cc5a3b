"""What the headers of a request say, and whether they may be so.

Source: RFC 9113, "Expressing HTTP Semantics in HTTP/2"; gRPC, "gRPC over HTTP2".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from seldon_deployer.rpc.frames import ErrorCode, StreamFailed
from seldon_deployer.rpc.headers import Headers, write_headers

_PSEUDO = (b":method", b":scheme", b":path", b":authority")
_NEEDED = frozenset(_PSEUDO[:3])
_OF_HTTP_1 = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_NO_VALUE = re.compile(rb"[\0\r\n]|^[ \t]|[ \t]$")
# What people read who ask by another client than one of gRPC's.
_TEXT = ((b"content-type", b"text/plain"),)
REFUSAL = b"gRPC is spoken here\n"


@dataclass(frozen=True, slots=True)
class Request:
    """The headers of a call.

    refusal: the header block that answers what is no call of gRPC at all.
    """

    path: str
    headers: Headers
    timeout: bytes | None
    encoding: bytes
    length: int | None
    refusal: bytes | None


def read_request(headers: Headers) -> Request:
    """Read and check the headers of a request. Raises StreamFailed for what HTTP/2 forbids."""
    told: dict[bytes, bytes] = {}
    for name, value in headers:
        if not name.startswith(b":"):
            break
        if name not in _PSEUDO or name in told:
            raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "a header of HTTP/2's own is wrong")
        told[name] = value
    others = headers[len(told) :]
    _check(others)
    if not told.keys() >= _NEEDED or not told[b":path"]:
        raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "method, scheme and path are needed")
    fields = dict(others)
    kind, length = fields.get(b"content-type", b""), fields.get(b"content-length")
    return Request(
        path=told[b":path"].decode("latin-1"),
        headers=others,
        timeout=fields.get(b"grpc-timeout"),
        encoding=fields.get(b"grpc-encoding", b"identity"),
        length=int(length) if length is not None and length.isdigit() else None,
        refusal=_refusal(told[b":method"], kind),
    )


def check_trailers(headers: Headers) -> None:
    """See that headers may follow data. Raises StreamFailed."""
    _check(headers)


def _check(headers: Headers) -> None:
    for name, value in headers:
        is_wrong = name in _OF_HTTP_1 or (name == b"te" and value != b"trailers")
        if is_wrong or not _NAME.fullmatch(name) or _NO_VALUE.search(value):
            raise StreamFailed(ErrorCode.PROTOCOL_ERROR, "a header may not be so in HTTP/2")


def _refusal(method: bytes, kind: bytes) -> bytes | None:
    if method != b"POST":
        return write_headers([(b":status", b"405"), (b"allow", b"POST"), *_TEXT])
    if kind.partition(b";")[0] not in (b"application/grpc", b"application/grpc+proto"):
        return write_headers([(b":status", b"415"), *_TEXT])
    return None
