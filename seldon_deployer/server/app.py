"""The HTTP side of a unit: an ASGI application over the message handlers.

Plain ASGI: a request is one dictionary lookup away from its handler, and a unit starts without
loading a framework. Unknown paths are 404 and wrong methods 405 with a body in the protocol's form
(Seldon's wrapper answers 500 for both).
"""

from __future__ import annotations

import asyncio
import time

from seldon_deployer.server.calls import Calls
from seldon_deployer.server.component import REASON_INTERNAL, Component, UnitError
from seldon_deployer.server.cors import allow_origin
from seldon_deployer.server.limits import read_timeout
from seldon_deployer.server.replies import Replies, Reply
from seldon_deployer.server.request import Receive, Scope, Send, read_body
from seldon_deployer.server.routes import Prediction, Route, Routes
from seldon_deployer.server.settings import Settings

# What metrics count a path as that is none: what clients make up is no label.
_UNKNOWN = "unknown"


class UnitApp:
    """The ASGI application of one unit.

    `draining` makes each answer the last one of its connection.
    """

    def __init__(self, component: Component, settings: Settings, calls: Calls) -> None:
        self.draining = False
        self._max_body_bytes = settings.max_body_bytes
        self._timeout_seconds = settings.timeout_seconds
        self._is_strict = settings.is_strict
        self._replies = Replies(is_strict=settings.is_strict)
        self._routes = Routes(component, settings, self._replies)
        self._calls = calls
        self._metrics = component.observer

    @property
    def stuck(self) -> str:
        """Why the process is to end; empty while all is well."""
        return self._calls.watch.stuck

    @stuck.setter
    def stuck(self, why: str) -> None:
        self._calls.watch.stuck = why

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route = self._routes.find(scope["path"])
        started, is_counted = time.perf_counter(), False
        try:
            body = await read_body(receive, self._max_body_bytes)
            if route is None or route.prediction is None or scope["method"] not in route.methods:
                reply = await self._tell(scope, route)
            else:
                is_counted = True
                reply = await self._predict(route.topic, route.prediction, scope, body)
        except ConnectionError:
            return
        except UnitError as error:
            reply = self._replies.error(scope["path"], error)
        if not is_counted:
            topic = _UNKNOWN if route is None else route.topic
            self._metrics.add_request(topic, reply.status, time.perf_counter() - started)
        await self._send(scope, send, reply)

    async def _predict(
        self, method: str, prediction: Prediction, scope: Scope, body: bytes
    ) -> Reply:
        told = (read_timeout(scope["headers"]), self._timeout_seconds)
        seconds = min((each for each in told if each is not None), default=None)
        return await self._calls.run(
            prediction(scope, body),
            method=method,
            deadline=None if seconds is None else asyncio.get_running_loop().time() + seconds,
            size_bytes=len(body),
            status_of=_status_of,
        )

    async def _tell(self, scope: Scope, route: Route | None) -> Reply:
        """Answer what is about the unit itself, or what it does not answer. Raises UnitError."""
        path, method = scope["path"], scope["method"]
        if self._is_strict and method == "OPTIONS":
            return self._replies.text(b"")
        if route is None:
            raise UnitError(_not_found(path), self._refuse(path, 404), REASON_INTERNAL)
        if method not in route.methods:
            told = f"{method} is not allowed for {path}"
            error = UnitError(told, self._refuse(path, 405), REASON_INTERNAL)
            reply = self._replies.error(path, error)
            reply.headers.append((b"allow", ", ".join(route.methods).encode()))
            return reply
        if route.question is None:
            return self._replies.text(route.constant)
        return self._replies.message(path, await self._calls.ask(route.question))

    def _refuse(self, path: str, status: int) -> int:
        """The status of a request that no route takes: 500 with Seldon's wrapper."""
        return 500 if self._is_strict and not path.startswith("/v2") else status

    async def _send(self, scope: Scope, send: Send, reply: Reply) -> None:
        headers, parts = reply.headers, reply.parts
        if self._is_strict:
            headers += allow_origin(scope["method"], scope["headers"])
        headers.append((b"content-length", b"%d" % sum(len(part) for part in parts)))
        if self.draining or reply.status == 413:
            # After 413 the rest of the body is still on its way: the connection cannot go on.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1]})


def _status_of(reply: Reply) -> int:
    return reply.status


def _not_found(path: str) -> str:
    if path.startswith("/v2/models/"):
        return f"Model {path.split('/')[3]} not found"
    return f"no route {path}"
