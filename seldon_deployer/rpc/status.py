"""gRPC's statuses, and how one travels: as headers at the end of an answer.

Source: gRPC, "Status codes and their use in gRPC", "gRPC over HTTP2".
"""

from __future__ import annotations

from enum import IntEnum
from urllib.parse import quote, unquote

# Names in lower case.
Headers = tuple[tuple[bytes, bytes], ...]


class StatusCode(IntEnum):
    """How a call ended."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RpcError(Exception):
    """A call that ends with another status than OK."""

    def __init__(self, code: StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def status_headers(code: StatusCode, details: str = "") -> Headers:
    """The headers that end a call."""
    status = (b"grpc-status", b"%d" % code)
    if not details:
        return (status,)
    # All of printable ASCII but the percent sign goes as it is.
    safe = "".join(chr(each) for each in range(0x20, 0x7F) if each != ord("%"))
    return status, (b"grpc-message", quote(details, safe=safe, errors="replace").encode())


def read_status(headers: dict[bytes, bytes]) -> tuple[StatusCode, str] | None:
    """How a call ended, of the headers at its end; None where they do not tell."""
    told = headers.get(b"grpc-status")
    if told is None:
        return None
    details = unquote(headers.get(b"grpc-message", b"").decode("latin-1"))
    known = told.isdigit() and int(told) in StatusCode.__members__.values()
    return StatusCode(int(told)) if known else StatusCode.UNKNOWN, details
