"""The gRPC status that answers for an error's HTTP status."""

from __future__ import annotations

from seldon_deployer.rpc.status import StatusCode
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.reason import shorten

# Source: gRPC, "Status codes and their use".
_CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ABORTED,
    412: StatusCode.FAILED_PRECONDITION,
    413: StatusCode.RESOURCE_EXHAUSTED,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    501: StatusCode.UNIMPLEMENTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}


def status_of(error: UnitError) -> StatusCode:
    """The code: that of the same meaning, else whose fault it is."""
    other = StatusCode.INTERNAL if error.status_code >= 500 else StatusCode.INVALID_ARGUMENT
    return _CODES.get(error.status_code, other)


def details_of(error: UnitError, *, with_reason: bool) -> str:
    """The words: for Seldon's protocol its reason first, as REST has it; then what happened."""
    # They travel in a header, which clients limit to 8 KiB.
    return shorten(f"{error.reason}: {error.message}" if with_reason else error.message, 2000)
