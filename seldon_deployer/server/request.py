"""Reading an HTTP request: the ASGI scope, the body with its limit, the message in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.encoding import decode_json

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

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
    """Find the message: a body with a JSON content type, or a form field or query argument `json`.

    It is an object, or with `takes_lists` a list of them. Raises PayloadError with the words of
    Seldon's wrapper when there is none.
    Source: Seldon Core v1.17.1, Python wrapper.
    """
    kind = _content_type(scope)
    text: bytes | str = b""
    if kind == b"application/json" or kind.endswith(b"+json"):
        text = body
    elif kind == _FORM:
        text = _field(body)
    message = decode_json(text or _field(scope.get("query_string", b"")))
    if not isinstance(message, (dict, list) if takes_lists else dict):
        raise PayloadError("Can't find JSON in data")
    return message


def _field(form: bytes) -> str:
    return parse_qs(form.decode("utf-8", "replace")).get("json", [""])[0]


def _content_type(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bytes(value).partition(b";")[0].strip().lower()
    return b""
