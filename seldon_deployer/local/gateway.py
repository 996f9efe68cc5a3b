"""The gateway: `/seldon/<namespace>/<name>/...` to a ready pod of that SeldonDeployment.

A unit without orchestrator gets the path as it is; with one, the gateway does the orchestrator's
work: it walks the graph, whose units may be in several pods. Shadows get copies. A request that no
unit has seen, or that may be asked again, goes to another pod when its pod goes away; so updates,
restarts and scaling lose no request.
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
from seldon_deployer.local.executor import Direct, failure
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.ready_pod import Target
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.unit_caller import PodLost, UnitCaller
from seldon_deployer.local.unit_calls import Dialect, Message
from seldon_deployer.local.upstream import (
    HOP_HEADERS,
    ConnectionLost,
    Header,
    NotSent,
    Response,
    Upstream,
)
from seldon_deployer.local.walk import Walk

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEALTH_PATH = "/gateway/health"
MAX_BODY_BYTES = 256 * 1024 * 1024
# How long a request waits for the gateway to hear what became of its pod.
PATIENCE_SECONDS = 1.0
FIRST_SYNC_SECONDS = 10.0
# More copies for shadows than this are not made while the first ones wait, as Istio's proxies do.
MOST_COPIES = 1024
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
        self._copies: set[asyncio.Task[Response | None]] = set()

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

    async def wait_for_copies(self) -> None:
        """Wait until no copy for a shadow is on its way."""
        await asyncio.gather(*self._copies, return_exceptions=True)

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
        self._copy_to_shadows(request)
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
        target.outstanding += 1
        try:
            if target.graph is None:
                return await self._pass_on(request, target)
            return await self._orchestrate(request, target, target.graph)
        finally:
            target.outstanding -= 1

    async def _pass_on(self, request: _Request, target: Target) -> Response | None:
        """Ask the one unit, which answers the public path itself."""
        path = request.target
        try:
            return await self._upstream.send(
                target.port,
                request.method.encode(),
                path.encode("latin-1"),
                request.headers,
                request.body,
            )
        except NotSent:
            return None
        except ConnectionLost as error:
            if request.is_repeatable:
                return None
            info = executor.transport_info(request.method, target.port, path, str(error))
            return failure(500, info)

    async def _orchestrate(
        self, request: _Request, target: Target, graph: GraphUnit
    ) -> Response | None:
        """Do the orchestrator's work: its routes, and its walk over the graph."""
        task = executor.resolve(request.method, request.path, protocol=target.protocol, graph=graph)
        if isinstance(task, Direct):
            kind = ((b"content-type", task.content_type),) if task.content_type else ()
            response = Response(task.status, kind, task.body)
            return request.dress(response, task.allowed) if task.is_route else response
        dialect = Dialect(executor.is_v2(target.protocol), task.model)
        caller = UnitCaller(
            self._routes,
            self._upstream,
            target,
            request.namespace,
            request.headers_with_puid,
            dialect,
        )
        walk = Walk(caller.ask, dialect, injects_routing=target.injects_routing)
        try:
            response = await executor.perform(
                task, graph, request.message, walk, predictor=target.predictor
            )
        except PodLost as lost:
            if task.is_repeatable or not caller.has_sent:
                return None
            # Some units have learnt of it, and none may learn twice.
            response = failure(500, f"the pod of {lost} went away")
        return request.dress(response, task.allowed)

    def _copy_to_shadows(self, request: _Request) -> None:
        """Send copies on their way; nobody waits for what becomes of them."""
        for target in self._routes.pick_shadows(request.namespace, request.name):
            if len(self._copies) >= MOST_COPIES:
                return
            copy = asyncio.get_running_loop().create_task(self._try(request, target))
            self._copies.add(copy)
            copy.add_done_callback(self._forget_copy)

    def _forget_copy(self, copy: asyncio.Task[Response | None]) -> None:
        self._copies.discard(copy)
        if not copy.cancelled() and (error := copy.exception()) is not None:
            logger.warning("a copy for a shadow failed", exc_info=error)

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
    def message(self) -> Message:
        """The body as it goes through a graph."""
        fields = dict(reversed(self.headers))
        return Message(self.body, fields.get(b"content-type"), fields.get(b"content-encoding"))

    @property
    def headers_with_puid(self) -> list[Header]:
        """The client's headers with the id, as the orchestrator passes them on."""
        kept = [item for item in self.headers if item[0] != b"seldon-puid"]
        return [*kept, (b"seldon-puid", self.puid)]

    def dress(self, response: Response, allowed: str | None) -> Response:
        """Add the headers that the orchestrator's routes give."""
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
