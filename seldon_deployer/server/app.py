"""The HTTP side of a unit: an ASGI application over the message handlers.

Plain ASGI: a request is one dictionary lookup away from its handler, and a unit starts without
loading a framework. Unknown paths are 404 and wrong methods 405 with a body in the protocol's form
(Seldon's wrapper answers 500 for both).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from seldon_deployer.payload import Message
from seldon_deployer.payload.v2_binary import Buffer
from seldon_deployer.server import messages, v2
from seldon_deployer.server.calls import Calls, Steps
from seldon_deployer.server.component import (
    REASON_INTERNAL,
    Component,
    UnitError,
)
from seldon_deployer.server.cors import Headers, allow_origin
from seldon_deployer.server.encoding import encode_json
from seldon_deployer.server.feedback import answer_feedback
from seldon_deployer.server.limits import Overloaded, read_timeout
from seldon_deployer.server.openapi import describe_routes
from seldon_deployer.server.request import Receive, Scope, Send, read_body, read_message
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.v2_graph import answer_v2_aggregate, answer_v2_route
from seldon_deployer.server.v2_http import read_inference, write_inference
from seldon_deployer.server.wrapper_codec import encode_document

logger = logging.getLogger(__name__)

_GET = ("GET", "HEAD")
_INFER = "infer"


@dataclass(frozen=True)
class Route:
    """How a path is answered: with a constant, from a question, or from a message."""

    methods: tuple[str, ...]
    constant: bytes = b""
    question: Callable[[], Message] | None = None
    prediction: Callable[[Any], Steps[Message]] | None = None
    method: str = ""
    takes_lists: bool = False


class UnitApp:
    """The ASGI application of one unit.

    `draining` makes each answer the last one of its connection.
    """

    def __init__(self, component: Component, settings: Settings, calls: Calls) -> None:
        self.draining = False
        self._max_body_bytes = settings.max_body_bytes
        self._is_strict = settings.is_strict
        self._encode = encode_document if settings.is_strict else encode_json
        self._routes = _build_routes(component, settings)
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        own: Headers = []
        try:
            body = await read_body(receive, self._max_body_bytes)
            status, answer = await self._answer(scope, body)
        except ConnectionError:
            return
        except UnitError as error:
            status = error.status_code
            answer = _error(scope, str(error), error.reason)
            if isinstance(error, Overloaded):
                own.append((b"retry-after", b"%d" % error.retry_after_seconds))
        await self._send(scope, send, status, answer, own)

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, Message | bytes]:
        path, method = scope["path"], scope["method"]
        route = self._routes.get(path)
        if self._is_strict and method == "OPTIONS":
            return 200, b""
        if route is None:
            return self._refuse(path, 404), _error(scope, _not_found(path))
        if method not in route.methods:
            return self._refuse(path, 405), _error(scope, f"{method} is not allowed for {path}")
        if route.prediction is not None:
            seconds = read_timeout(scope["headers"])
            answer = await self._calls.run(
                _predict(route, scope, body),
                method=route.method,
                deadline=None if seconds is None else asyncio.get_running_loop().time() + seconds,
                size_bytes=len(body),
            )
            return _status_of(answer), answer
        if route.question is not None:
            return 200, await self._calls.ask(route.question)
        return 200, route.constant

    def _refuse(self, path: str, status: int) -> int:
        """The status of a request that no route takes: 500 with Seldon's wrapper."""
        return 500 if self._is_strict and not path.startswith("/v2") else status

    async def _send(
        self, scope: Scope, send: Send, status: int, answer: Message | bytes, own: Headers
    ) -> None:
        if isinstance(answer, bytes):
            kind = b"text/html" if self._is_strict else b"text/plain"
            headers: Headers = [(b"content-type", kind + b"; charset=utf-8")]
            parts: list[Buffer] = [answer]
        else:
            try:
                headers, parts = self._write(scope, answer)
            except (TypeError, ValueError) as error:
                logger.exception("the answer to %s is no JSON", scope["path"])
                status = 500
                answer = _error(scope, f"the answer cannot be sent: {error}")
                headers, parts = self._write(scope, answer)
        headers += own
        if status == 405:
            allowed = ", ".join(self._routes[scope["path"]].methods)
            headers.append((b"allow", allowed.encode()))
        if self._is_strict:
            headers += allow_origin(scope["method"], scope["headers"])
        headers.append((b"content-length", b"%d" % sum(len(part) for part in parts)))
        if self.draining or status == 413:
            # After 413 the rest of the body is still on its way: the connection cannot go on.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1]})

    def _write(self, scope: Scope, answer: Message) -> tuple[Headers, list[Buffer]]:
        """An answer as headers that tell what it is, and the parts of its body."""
        if scope["path"].startswith("/v2"):
            return write_inference(answer)
        return [(b"content-type", b"application/json")], [self._encode(answer)]


def _build_routes(component: Component, settings: Settings) -> dict[str, Route]:
    def answers(method: str) -> Callable[[Any], Steps[Message]]:
        return partial(messages.answer_data, component, settings, method=method)

    any_way = (*_GET, "POST")
    predict, feedback = (
        partial(Route, prediction=answers("predict"), method="predict"),
        partial(
            Route,
            prediction=partial(answer_feedback, component, settings),
            method="send_feedback",
        ),
    )
    route = partial(messages.answer_route, component, settings)
    aggregate = partial(messages.answer_aggregate, component, settings)
    health = Route(_GET, question=partial(messages.answer_health, component, settings))
    metadata = Route(_GET, question=partial(messages.answer_metadata, component, settings))
    routes = {
        "/predict": predict(any_way),
        "/send-feedback": feedback(any_way),
        "/api/v1.0/feedback": feedback(("POST",)),
        "/api/v0.1/feedback": feedback(("POST",)),
        "/api/v1.0/predictions": predict(("POST",)),
        "/api/v0.1/predictions": predict(("POST",)),
        "/route": Route(any_way, prediction=route, method="route"),
        "/aggregate": Route(any_way, prediction=aggregate, method="aggregate", takes_lists=True),
        "/health/ping": Route(_GET, constant=b"pong"),
        "/health/status": health,
        "/api/v1.0/health/status": health,
        "/metadata": metadata,
        "/api/v1.0/metadata": metadata,
    }
    for method in ("transform_input", "transform_output"):
        path = f"/{method.replace('_', '-')}"
        routes[path] = Route(any_way, prediction=answers(method), method=method)
    # The orchestrator's own path, /v2/models/infer, names no model.
    infer = Route(
        ("POST",), prediction=partial(v2.answer_inference, component, settings), method=_INFER
    )
    routes["/v2"] = Route(_GET, question=v2.server_metadata)
    routes["/v2/models/infer"] = infer
    routes["/v2/health/live"] = routes["/v2/health/ready"] = Route(_GET)
    described = Route(_GET, question=partial(v2.model_metadata, component, settings))
    for model in (
        f"/v2/models/{settings.model_name}",
        f"/v2/models/{settings.model_name}/versions/{v2.VERSION}",
    ):
        routes[model] = described
        routes[f"{model}/ready"] = Route(_GET)
        routes[f"{model}/infer"] = infer
    model = f"/v2/models/{settings.model_name}"
    routes[f"{model}/route"] = Route(
        ("POST",), prediction=partial(answer_v2_route, component, settings), method="route"
    )
    routes[f"{model}/aggregate"] = Route(
        ("POST",),
        prediction=partial(answer_v2_aggregate, component, settings),
        method="aggregate",
        takes_lists=True,
    )
    document = describe_routes(
        settings.model_name,
        [(path, route.methods, route.method or None) for path, route in routes.items()],
    )
    routes["/seldon.json"] = Route(_GET, question=lambda: document)
    return routes


def _predict(route: Route, scope: Scope, body: bytes) -> Steps[Message]:
    """Read the message where the handler runs: a large one away from the event loop."""
    if route.method == _INFER:
        message = read_inference(scope, body)
    else:
        message = read_message(scope, body, takes_lists=route.takes_lists)
    if route.prediction is None:
        raise TypeError(f"{scope['path']} has no handler")
    return (yield from route.prediction(message))


def _not_found(path: str) -> str:
    if path.startswith("/v2/models/"):
        return f"Model {path.split('/')[3]} not found"
    return f"no route {path}"


def _status_of(answer: Message) -> int:
    """Read the HTTP status of a message that `predict_raw` made; 200 for all others."""
    status = answer.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) and 200 <= code <= 599 else 200


def _error(scope: Scope, info: str, reason: str = REASON_INTERNAL) -> Message:
    if scope["path"].startswith("/v2"):
        return v2.error_message(info)
    return messages.error_message(info, reason)
