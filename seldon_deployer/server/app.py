"""The HTTP side of a unit: an ASGI application over the message handlers.

Plain ASGI: a request is one dictionary lookup away from its handler, and a unit starts without
loading a framework. Unknown paths are 404 and wrong methods 405 with a body in the protocol's form
(Seldon's wrapper answers 500 for both).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message
from seldon_deployer.server import messages, v2
from seldon_deployer.server.component import (
    REASON_BAD_DATA,
    REASON_INTERNAL,
    Component,
    UnitError,
)
from seldon_deployer.server.encoding import encode_json
from seldon_deployer.server.feedback import answer_feedback
from seldon_deployer.server.request import Receive, Scope, Send, read_body, read_message
from seldon_deployer.server.settings import Settings

logger = logging.getLogger(__name__)

_GET = ("GET", "HEAD")


@dataclass(frozen=True)
class Route:
    """How a path is answered: with a constant, from a question, or from a message."""

    methods: tuple[str, ...]
    constant: bytes = b""
    question: Callable[[], Message] | None = None
    prediction: Callable[[Any], Message] | None = None
    takes_lists: bool = False


class UnitApp:
    """The ASGI application of one unit.

    Predictions run in threads of their own (one by default: a user's class need not be safe for
    several), so that health checks answer while one is at work. `draining` makes each answer the
    last one of its connection.
    """

    def __init__(self, component: Component, settings: Settings) -> None:
        self.draining = False
        self._max_body_bytes = settings.max_body_bytes
        self._routes = _build_routes(component, settings)
        self._predictions = ThreadPoolExecutor(settings.threads, "predict")
        self._questions = ThreadPoolExecutor(1, "health")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            body = await read_body(receive, self._max_body_bytes)
            status, answer = await self._answer(scope, body)
        except ConnectionError:
            return
        except UnitError as error:
            status = error.status_code
            answer = _error(scope, str(error), error.reason)
        await self._send(scope, send, status, answer)

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, Message | bytes]:
        path, method = scope["path"], scope["method"]
        route = self._routes.get(path)
        if route is None:
            return 404, _error(scope, _not_found(path))
        if method not in route.methods:
            return 405, _error(scope, f"{method} is not allowed for {path}")
        loop = asyncio.get_running_loop()
        try:
            if route.prediction is not None:
                message = read_message(scope, body, takes_lists=route.takes_lists)
                answer = await loop.run_in_executor(self._predictions, route.prediction, message)
                return _status_of(answer), answer
            if route.question is not None:
                return 200, await loop.run_in_executor(self._questions, route.question)
            return 200, route.constant
        except PayloadError as error:
            return 400, _error(scope, error.what, REASON_BAD_DATA)
        except UnitError:
            raise
        # Code made for the command line calls sys.exit: it ends its own request, not the unit's.
        except (Exception, SystemExit) as error:
            logger.exception("%s %s failed", method, path)
            return _failure(scope, error)

    async def _send(self, scope: Scope, send: Send, status: int, answer: Message | bytes) -> None:
        content_type = b"application/json"
        if isinstance(answer, bytes):
            content_type, body = b"text/plain; charset=utf-8", answer
        else:
            try:
                body = encode_json(answer)
            except (TypeError, ValueError) as error:
                logger.exception("the answer to %s is no JSON", scope["path"])
                status = 500
                body = encode_json(_error(scope, f"the answer cannot be sent: {error}"))
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        if self.draining or status == 413:
            # After 413 the rest of the body is still on its way: the connection cannot go on.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _build_routes(component: Component, settings: Settings) -> dict[str, Route]:
    def answers(method: str) -> Callable[[Any], Message]:
        return partial(messages.answer_data, component, settings, method=method)

    any_way = (*_GET, "POST")
    predict = answers("predict")
    feedback = partial(answer_feedback, component, settings)
    aggregate = partial(messages.answer_aggregate, component, settings)
    health = Route(_GET, question=partial(messages.answer_health, component, settings))
    metadata = Route(_GET, question=partial(messages.answer_metadata, component, settings))
    routes = {
        "/predict": Route(any_way, prediction=predict),
        "/transform-input": Route(any_way, prediction=answers("transform_input")),
        "/transform-output": Route(any_way, prediction=answers("transform_output")),
        "/route": Route(any_way, prediction=partial(messages.answer_route, component, settings)),
        "/aggregate": Route(any_way, prediction=aggregate, takes_lists=True),
        "/send-feedback": Route(any_way, prediction=feedback),
        "/api/v1.0/feedback": Route(("POST",), prediction=feedback),
        "/api/v0.1/feedback": Route(("POST",), prediction=feedback),
        "/api/v1.0/predictions": Route(("POST",), prediction=predict),
        "/api/v0.1/predictions": Route(("POST",), prediction=predict),
        "/health/ping": Route(_GET, constant=b"pong"),
        "/health/status": health,
        "/api/v1.0/health/status": health,
        "/metadata": metadata,
        "/api/v1.0/metadata": metadata,
    }
    # The orchestrator's own path, /v2/models/infer, names no model.
    infer = Route(("POST",), prediction=partial(v2.answer_inference, component, settings))
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
    return routes


def _not_found(path: str) -> str:
    if path.startswith("/v2/models/"):
        return f"Model {path.split('/')[3]} not found"
    return f"no route {path}"


def _status_of(answer: Message) -> int:
    """Read the HTTP status of a message that `predict_raw` made; 200 for all others."""
    status = answer.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) and 200 <= code <= 599 else 200


def _failure(scope: Scope, error: BaseException) -> tuple[int, Message]:
    """Turn an exception of the user's code into an answer.

    One of the shape of Seldon's SeldonMicroserviceException chooses its status and reason.
    """
    status = getattr(error, "status_code", None)
    reason = getattr(error, "reason", None)
    if isinstance(status, int) and 400 <= status <= 599 and isinstance(reason, str):
        return status, _error(scope, str(getattr(error, "message", error)), reason)
    return 500, _error(scope, str(error) or type(error).__name__)


def _error(scope: Scope, info: str, reason: str = REASON_INTERNAL) -> Message:
    if scope["path"].startswith("/v2"):
        return v2.error_message(info)
    return messages.error_message(info, reason)
