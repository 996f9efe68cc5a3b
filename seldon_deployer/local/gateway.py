"""The gateway: `/seldon/<namespace>/<name>/...` to a ready pod of that SeldonDeployment.

A unit without orchestrator gets the path as it is; with one, the gateway does the orchestrator's
work. A request that no unit has seen, or that may be asked again, goes to another pod when its pod
goes away; so updates, restarts and scaling lose no request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

from seldon_deployer.local import executor
from seldon_deployer.local.executor import Call, Direct, failure
from seldon_deployer.local.routes import Routes, Target
from seldon_deployer.local.upstream import (
    HOP_HEADERS,
    ConnectionLost,
    Header,
    NotSent,
    Response,
    Upstream,
)

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEALTH_PATH = "/gateway/health"
MAX_BODY_BYTES = 256 * 1024 * 1024
# How long a request waits for the gateway to hear what became of its pod.
PATIENCE_SECONDS = 1.0
FIRST_SYNC_SECONDS = 10.0
_JSON = b"application/json"
_TARGET = re.compile(r"/seldon/([^/]+)/([^/]+)(/.*)?")
# Asking again does no harm: reads, and predictions, which change nothing. Feedback is not among.
_REPEATABLE_POST = re.compile(r"/predict|/api/v[01]\.[01]/predictions|/v2/models/.*/?infer")
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class BodyTooLarge(Exception):
    """A request body past MAX_BODY_BYTES."""


class ClientGone(Exception):
    """The client went away before its request was whole."""


class Gateway:
    """An ASGI application over `routes`."""

    def __init__(self, routes: Routes, upstream: Upstream, synced: asyncio.Event) -> None:
        self._routes = routes
        self._upstream = upstream
        self._synced = synced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(scope, receive)
        except BodyTooLarge:
            response = failure(413, "the request body is too large", content_type=_JSON)
        except ClientGone:
            return
        length = (b"content-length", b"%d" % len(response.body))
        # The server says the date itself.
        headers = [
            item for item in response.headers if item[0] not in HOP_HEADERS and item[0] != b"date"
        ]
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [*headers, length],
            }
        )
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        if path == HEALTH_PATH:
            return self._health()
        match = _TARGET.fullmatch(path)
        if match is None:
            return failure(404, "use /seldon/NAMESPACE/NAME/...", content_type=_JSON)
        namespace, name, rest = match[1], match[2], match[3] or "/"
        body = await _read_body(receive)
        if not self._synced.is_set():
            await self._wait_until_synced()
        if not self._routes.is_known(namespace, name):
            info = f"there is no SeldonDeployment {name} in namespace {namespace}"
            return failure(404, info, content_type=_JSON)
        request = _Request(scope, namespace, name, rest, body)
        return await self._forward(request)

    async def _forward(self, request: _Request) -> Response:
        tried: set[str] = set()
        patience = PATIENCE_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            target = self._pick(request, tried)
            if target is None:
                if not tried or patience <= 0:
                    info = f"no pod of {request.name} is ready in namespace {request.namespace}"
                    return failure(503, info, content_type=_JSON)
                # Its pod went away before the gateway heard of it: see what came instead.
                before = loop.time()
                await self._routes.wait_for_change(patience)
                patience -= loop.time() - before
                tried.clear()
                continue
            tried.add(target.uid)
            response = await self._try(request, target)
            if response is not None:
                return response

    def _pick(self, request: _Request, tried: set[str]) -> Target | None:
        try:
            return self._routes.pick(request.namespace, request.name, tried)
        except KeyError:
            return None

    async def _try(self, request: _Request, target: Target) -> Response | None:
        """Ask one pod; None where another one should be asked."""
        call: Call | Direct
        if target.has_orchestrator:
            call = executor.resolve(
                request.method, request.path, protocol=target.protocol, unit=target.unit
            )
        else:
            call = Call(request.method, request.target, "", request.is_repeatable)
        if isinstance(call, Direct):
            return request.dress(
                Response(
                    call.status,
                    ((b"content-type", call.content_type),) if call.content_type else (),
                    call.body,
                ),
                call.allowed,
                is_route=call.is_route,
            )
        try:
            response = await self._ask(request, target, call)
        except NotSent:
            return None
        except ConnectionLost as error:
            if call.is_repeatable:
                return None
            response = failure(500, executor.transport_info(call, target.port, str(error)))
            return request.dress(response, call.allowed, is_route=target.has_orchestrator)
        except TimeoutError:
            cause = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            response = failure(500, executor.transport_info(call, target.port, cause))
            return request.dress(response, call.allowed, is_route=target.has_orchestrator)
        if target.has_orchestrator:
            response = executor.finish(call, response, predictor=target.predictor, unit=target.unit)
        return request.dress(response, call.allowed, is_route=target.has_orchestrator)

    async def _ask(self, request: _Request, target: Target, call: Call) -> Response:
        headers = request.headers
        timeout = None
        if target.has_orchestrator:
            headers = request.headers_with_puid
            timeout = target.timeout_seconds
        target.outstanding += 1
        try:
            sending = self._upstream.send(
                target.port,
                call.method.encode(),
                call.path.encode("latin-1"),
                headers,
                request.body,
            )
            return await (asyncio.wait_for(sending, timeout) if timeout else sending)
        finally:
            target.outstanding -= 1

    async def _wait_until_synced(self) -> None:
        try:
            await asyncio.wait_for(self._synced.wait(), FIRST_SYNC_SECONDS)
        except TimeoutError:
            logger.warning("control has told no routes yet")

    def _health(self) -> Response:
        services, pods = self._routes.count()
        state = {"isSynced": self._synced.is_set(), "services": services, "readyPods": pods}
        return Response(200, ((b"content-type", _JSON),), json.dumps(state).encode())


class _Request:
    """One request on its way."""

    def __init__(self, scope: Scope, namespace: str, name: str, path: str, body: bytes) -> None:
        self.namespace = namespace
        self.name = name
        self.path = path
        self.body = body
        self.method: str = scope["method"]
        self.headers: list[Header] = list(scope["headers"])
        query = scope["query_string"]
        self.target = f"{path}?{query.decode('latin-1')}" if query else path
        self._puid: bytes | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether asking twice does no harm."""
        if self.method in _SAFE_METHODS:
            return True
        return self.method == "POST" and _REPEATABLE_POST.fullmatch(self.path) is not None

    @property
    def puid(self) -> bytes:
        """The client's id of the request, or a new one."""
        if self._puid is None:
            given = next((value for key, value in self.headers if key == b"seldon-puid"), b"")
            self._puid = given or str(uuid4()).encode()
        return self._puid

    @property
    def headers_with_puid(self) -> list[Header]:
        """The client's headers with the id, as the orchestrator passes them on."""
        kept = [item for item in self.headers if item[0] != b"seldon-puid"]
        return [*kept, (b"seldon-puid", self.puid)]

    def dress(self, response: Response, allowed: str | None, *, is_route: bool) -> Response:
        """Add the headers that the orchestrator's routes give."""
        if not is_route:
            return response
        added = executor.route_headers(
            self.puid,
            allowed,
            self.headers,
            name=self.name,
            namespace=self.namespace,
            path=self.path.encode("latin-1"),
        )
        return Response(response.status, (*response.headers, *added), response.body)


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # A part of a request is none: no unit sees it.
            raise ClientGone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge
        if not message.get("more_body"):
            return b"".join(parts)
