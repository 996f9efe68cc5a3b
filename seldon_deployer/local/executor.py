"""What Seldon's orchestrator does with a request: its routes, its answers, its errors.

Pure but for what is asked of units, which is the caller's. Source: Seldon Core 1.17.1's executor,
observed. Not here: its own metrics and API page, request logging, and the following of redirects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seldon_deployer.local.graph_metadata import graph_metadata
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.unit_calls import JSON_LENGTH, ConnectionDropped, Message, WalkFailed
from seldon_deployer.local.upstream import Header, Response
from seldon_deployer.local.walk import Walk

_PLAIN = b"text/plain; charset=utf-8"
_ALLOWED_HEADERS = (
    b"Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token"
)
_ESCAPES = {
    b"<": b"\\u003c",
    b">": b"\\u003e",
    b"&": b"\\u0026",
    b"\xe2\x80\xa8": b"\\u2028",
    b"\xe2\x80\xa9": b"\\u2029",
}
_TO_ESCAPE = re.compile(b"|".join(re.escape(key) for key in _ESCAPES))
_GET, _POST = "GET,OPTIONS", "OPTIONS,POST"


class UnitRefused(Exception):
    """A unit answered with another status than 200: so does the orchestrator."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Task:
    """What a request asks of the orchestrator; `allowed` are the methods of its route.

    kind: `predict`, `feedback`, `graph-metadata`, or a `status` or `metadata` of one `unit`.
    model: the name that a V2 path gave, which is then every unit's.
    """

    kind: str
    allowed: str
    unit: GraphUnit | None = None
    model: str | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether asking twice does no harm, so that a lost answer may be asked for again."""
        return self.kind != "feedback"


@dataclass(frozen=True)
class Direct:
    """An answer that needs no unit; `allowed` is None outside the orchestrator's routes."""

    status: int
    body: bytes = b""
    content_type: bytes | None = None
    allowed: str | None = None
    is_route: bool = True


@dataclass(frozen=True)
class _Route:
    pattern: re.Pattern[str]
    method: str
    kind: str


def _routes(*rows: tuple[str, str, str]) -> tuple[_Route, ...]:
    return tuple(_Route(re.compile(pattern), method, kind) for pattern, method, kind in rows)


_SELDON = _routes(
    (r"/api/v(?:0\.1|1\.0)/predictions", "POST", "predict"),
    (r"/api/v(?:0\.1|1\.0)/feedback", "POST", "feedback"),
    (r"/api/v(?:0\.1|1\.0)/status/(?P<unit>[^/]+)", "GET", "status"),
    (r"/api/v(?:0\.1|1\.0)/metadata/(?P<unit>[^/]+)", "GET", "metadata"),
    (r"/api/v1\.0/metadata", "GET", "graph-metadata"),
    (r"/api/v1\.0/(?:health/)?status", "GET", "ready"),
)
_V2 = _routes(
    (r"/v2/models/(?P<model>[^/]+)/infer", "POST", "predict"),
    (r"/v2/models/infer", "POST", "predict"),
    (r"/v2/models/(?P<unit>[^/]+)/ready", "GET", "status"),
    (r"/v2/models/(?P<unit>[^/]+)", "GET", "metadata"),
    (r"/v2/health/ready", "GET", "ready"),
)


def resolve(method: str, path: str, *, protocol: str, graph: GraphUnit) -> Task | Direct:
    """Find what is asked of the graph, or the answer that needs no unit.

    Whoever calls this has found the units ready.
    """
    if path in ("/live", "/ready"):
        return Direct(200)
    routes = [
        (route, match.groupdict())
        for route in (_V2 if is_v2(protocol) else _SELDON)
        if (match := route.pattern.fullmatch(path))
    ]
    # A path of two routes (`/v2/models/infer` may name a model) tells the methods of both.
    allowed = ",".join(_POST if route.method == "POST" else _GET for route, _ in routes)
    if method == "OPTIONS" and routes:
        return Direct(200, allowed=allowed)
    for route, groups in routes:
        if route.method == method:
            return _resolve_route(route, groups, graph, allowed)
    if routes:
        return Direct(405, is_route=False)
    return Direct(404, b"404 page not found\n", _PLAIN, is_route=False)


def is_v2(protocol: str) -> bool:
    """Whether a protocol is the V2 one, by either of its names."""
    return protocol in ("v2", "kfserving")


async def perform(
    task: Task, graph: GraphUnit, message: Message, walk: Walk, *, predictor: str
) -> Response:
    """Do a task by asking units; the answer is without the headers of `route_headers`.

    Raises what `walk.ask` raises, but for what units and the orchestrator answer with.
    """
    try:
        answer = await _perform(task, graph, message, walk, predictor)
    except UnitRefused as refusal:
        kind = (b"content-type", _PLAIN)
        return Response(refusal.status, (kind,), escape_body(refusal.body))
    except WalkFailed as error:
        return failure(500, str(error))
    except ConnectionDropped as error:
        # Who is behind an ingress is told so by it.
        return failure(502, f"Seldon's orchestrator ends the connection without an answer: {error}")
    length = None if answer.json_length is None else b"%d" % answer.json_length
    headers = [
        (b"content-type", answer.content_type),
        (b"content-encoding", answer.encoding),
        (JSON_LENGTH, length),
    ]
    body = bytes(answer.body)
    if answer.encoding is None and length is None:
        body = escape_body(body)
    return Response(200, tuple((name, text) for name, text in headers if text is not None), body)


async def _perform(
    task: Task, graph: GraphUnit, message: Message, walk: Walk, predictor: str
) -> Message:
    if task.kind == "predict":
        return await walk.predict(graph, message)
    if task.kind == "feedback":
        return await walk.send_feedback(graph, message)
    if task.unit is not None:
        return await walk.ask(task.unit, task.kind, message)
    units = [unit for unit in graph.walk() if not unit.is_built_in]
    answers = [await walk.ask(unit, "metadata", message) for unit in units]
    models = {unit.name: _read(answer) for unit, answer in zip(units, answers, strict=True)}
    whole = graph_metadata(predictor, graph, models)
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    return Message(text.encode(), b"application/json")


def _read(metadata: Message) -> dict[str, Any]:
    try:
        model = json.loads(bytes(metadata.body))
    except ValueError as error:
        raise WalkFailed(str(error)) from None
    if not isinstance(model, dict):
        raise WalkFailed("the unit's metadata is no JSON object")
    return model


def failure(status: int, info: str, *, content_type: bytes = _PLAIN) -> Response:
    """An error of the orchestrator's own, in Seldon's form."""
    value = {"status": {"code": status, "info": info, "status": "FAILURE"}}
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, ((b"content-type", content_type),), escape_body(body))


def route_headers(
    puid: bytes,
    allowed: str | None,
    request: Sequence[Header],
    *,
    name: str,
    namespace: str,
    path: bytes,
) -> list[Header]:
    """The headers on every answer of one of the orchestrator's routes."""
    headers = [
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-allow-origin", b"*"),
        (b"seldon-puid", puid),
        (b"x-content-type-options", b"nosniff"),
    ]
    if allowed is not None:
        headers.append((b"access-control-allow-methods", allowed.encode()))
    if any(key == b"ce-specversion" for key, _ in request):
        headers += [
            (b"ce-id", puid),
            (b"ce-path", path),
            (b"ce-source", f"seldon.{name}".encode()),
            (b"ce-specversion", b"0.3"),
            (b"ce-type", f"seldon.{name}.{namespace}.response".encode()),
        ]
    return headers


def escape_body(body: bytes) -> bytes:
    """Write `<`, `>`, `&` and U+2028/9 as `\\u003c` and so on, as Go's JSON encoder does."""
    return _TO_ESCAPE.sub(lambda match: _ESCAPES[match.group()], body)


def transport_info(method: str, port: int, path: str, cause: str) -> str:
    """Go's words for a request that got no answer."""
    return f'{method.capitalize()} "http://127.0.0.1:{port}{path}": {cause}'


def _resolve_route(
    route: _Route, groups: dict[str, str], graph: GraphUnit, allowed: str
) -> Task | Direct:
    if route.kind == "ready":
        return Direct(200, allowed=allowed)
    if "unit" not in groups:
        return Task(route.kind, allowed, model=groups.get("model"))
    unit = graph.find(groups["unit"])
    if unit is None or unit.is_built_in:
        info = failure(500, f"Failed to find model {groups['unit']}")
        return Direct(500, info.body, _PLAIN, allowed)
    return Task(route.kind, allowed, unit=unit)
