"""Answers as HTTP has them: a status, headers, and the parts of a body. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seldon_deployer.payload import Message
from seldon_deployer.payload.v2_binary import Buffer
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.encoding import encode_json
from seldon_deployer.server.limits import Overloaded
from seldon_deployer.server.messages import error_message
from seldon_deployer.server.v2 import error_message as v2_error_message
from seldon_deployer.server.v2_http import write_inference
from seldon_deployer.server.wrapper_codec import encode_document

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Reply:
    """One answer."""

    status: int
    parts: list[Buffer]
    headers: Headers = field(default_factory=list)


class Replies:
    """Writes answers in the form of the protocol that a path belongs to.

    is_strict: as Seldon's wrapper writes them, where it is one of its paths.
    """

    def __init__(self, *, is_strict: bool) -> None:
        self._encode = encode_document if is_strict else encode_json
        kind = b"text/html" if is_strict else b"text/plain"
        self._text = (b"content-type", kind + b"; charset=utf-8")

    def message(self, path: str, answer: Message) -> Reply:
        """Write what a handler answered. Raises UnitError 500 for what JSON cannot hold."""
        try:
            if path.startswith("/v2"):
                headers, parts = write_inference(answer)
                return Reply(200, parts, headers)
            return Reply(_status_of(answer), [self._encode(answer)], [_JSON])
        except (TypeError, ValueError, RecursionError) as error:
            raise UnitError(f"the answer cannot be sent: {error}", 500, REASON_INTERNAL) from error

    def error(self, path: str, error: UnitError) -> Reply:
        """Write an error in the protocol's form."""
        if path.startswith("/v2"):
            told = v2_error_message(str(error))
        else:
            told = error_message(str(error), error.reason)
        reply = Reply(error.status_code, [self._encode(told)], [_JSON])
        if isinstance(error, Overloaded):
            reply.headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
        return reply

    def text(self, text: bytes) -> Reply:
        """Write what is no message."""
        return Reply(200, [text], [self._text])

    def document(self, written: Any) -> Reply:
        """Hand on a document that the user's class has written itself."""
        content = written.encode() if isinstance(written, str) else bytes(written)
        return Reply(200, [content], [_JSON])


def _status_of(answer: Message) -> int:
    """Read the HTTP status of a message that `predict_raw` made; 200 for all others."""
    status = answer.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) and 200 <= code <= 599 else 200
