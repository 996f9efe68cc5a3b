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
from functools import partial
from typing import Any
from uuid import uuid4

from seldon_deployer.local import executor
from seldon_deployer.local.executor import Direct, failure
from seldon_deployer.local.forwarding import Copies, NoPod, forward
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.ready_pod import Target
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.unit_caller import PodLost, UnitCaller
from seldon_deployer.local.unit_calls import JSON_LENGTH, Dialect, Message, read_length
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
        self._copies = Copies()

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
        await self._copies.wait()

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
            await self.wait_until_synced()
        if not self._routes.is_known(namespace, name):
            info = f"there is no SeldonDeployment {name} in namespace {namespace}"
            return failure(404, info, content_type=_JSON)
        request = _Request(scope, namespace, name, rest, body)
        self._copy_to_shadows(request)
        return await self._forward(request)

    async def _forward(self, request: _Request) -> Response:
        attempt = partial(self._try, request)
        try:
            return await forward(self._routes, request.namespace, request.name, attempt)
        except NoPod as error:
            return failure(503, str(error), content_type=_JSON)

    async def _try(self, request: _Request, target: Target) -> Response | None:
        """Ask one pod; None where another one should be asked."""
        if target.graph is None:
            return await self._pass_on(request, target)
        return await self._orchestrate(request, target, target.graph)

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
        attempt = partial(self._try, request)
        self._copies.send(self._routes, request.namespace, request.name, attempt)

    async def wait_until_synced(self) -> None:
        """Wait until control has told the routes, but not for ever."""
        if self._synced.is_set():
            return
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
        return Message(
            self.body,
            fields.get(b"content-type"),
            fields.get(b"content-encoding"),
            read_length(fields.get(JSON_LENGTH)),
        )

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
