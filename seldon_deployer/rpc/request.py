"""What the headers of a call say. That they may be so in HTTP/2, h2 has seen to."""

from __future__ import annotations

from dataclasses import dataclass

from seldon_deployer.rpc.status import Headers

# What people read who ask by another client than one of gRPC's.
_TEXT = ((b"content-type", b"text/plain"),)
REFUSAL = b"gRPC is spoken here\n"
_CONTENT_TYPES = (b"application/grpc", b"application/grpc+proto")


@dataclass(frozen=True, slots=True)
class Request:
    """The headers of a call.

    refusal: the headers that answer what is no call of gRPC at all.
    """

    path: str
    headers: Headers
    timeout: bytes | None
    encoding: bytes
    refusal: Headers | None


def read_request(headers: Headers) -> Request:
    """Read the headers of a request. Source: gRPC, "gRPC over HTTP2"."""
    own = {name: value for name, value in headers if name.startswith(b":")}
    others = tuple(each for each in headers if not each[0].startswith(b":"))
    fields = dict(others)
    return Request(
        path=own[b":path"].decode("latin-1"),
        headers=others,
        timeout=fields.get(b"grpc-timeout"),
        encoding=fields.get(b"grpc-encoding", b"identity"),
        refusal=_refusal(own[b":method"], fields.get(b"content-type", b"")),
    )


def _refusal(method: bytes, kind: bytes) -> Headers | None:
    if method != b"POST":
        return ((b":status", b"405"), (b"allow", b"POST"), *_TEXT)
    if kind.partition(b";")[0] not in _CONTENT_TYPES:
        return ((b":status", b"415"), *_TEXT)
    return None
