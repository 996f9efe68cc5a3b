"""Reading an HTTP request: the ASGI scope, the body with its limit, the message in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.encoding import NO_JSON, decode_json
from seldon_deployer.server.form import MULTIPART, read_multipart

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Of what is no message, in the error that says so.
_SHOWN_CHARACTERS = 1000
_FORM = b"application/x-www-form-urlencoded"


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """Read the whole body.

    Raises UnitError 413 past `max_bytes`, ConnectionError when the client went away.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ConnectionError("the client went away")
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise UnitError(f"the body is larger than {max_bytes} bytes", 413)
        if not event.get("more_body"):
            return b"".join(parts)


def read_message(scope: Scope, body: bytes, *, takes_lists: bool = False) -> Any:
    """Find the message: a multipart form, a form field or query argument `json`, a body of JSON.

    In this order; the body needs a JSON content type. It is an object, or with `takes_lists` a
    list of them. Raises PayloadError with the words of Seldon's wrapper when there is none.
    Source: Seldon Core v1.17.1, Python wrapper, observed.
    """
    told = content_type(scope)
    kind = _kind(told)
    if kind == MULTIPART:
        message: Any = read_multipart(told, body)
    else:
        text: bytes | str = find_text(scope, body)
        if not text and (kind == b"application/json" or kind.endswith(b"+json")):
            text = body
        message = decode_json(text)
    if message is None:
        raise PayloadError(NO_JSON)
    if not isinstance(message, (dict, list) if takes_lists else dict):
        raise no_message(message)
    return message


def no_message(given: Any) -> PayloadError:
    """The error for a document that is no message, in the words of Seldon's wrapper."""
    try:
        text = str(given)
    except RecursionError:
        text = f"a deep {type(given).__name__}"
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}..."
    return PayloadError(f"Invalid request data type: {text}")


def find_text(scope: Scope, body: bytes) -> str:
    """The field `json` of a form, or the argument of that name; empty where there is neither."""
    text = _field(body) if _kind(content_type(scope)) == _FORM else ""
    return text or _field(scope.get("query_string", b""))


def content_type(scope: Scope) -> bytes:
    """The whole header of that name; empty where there is none."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bytes(value)
    return b""


def _kind(told: bytes) -> bytes:
    return told.partition(b";")[0].strip().lower()


def _field(form: bytes) -> str:
    if b"json" not in form:
        return ""
    return parse_qs(form.decode("utf-8", "replace")).get("json", [""])[0]
