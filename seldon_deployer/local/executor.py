"""What Seldon's orchestrator does with a request, for a graph of one MODEL unit. Pure.

Source: Seldon Core 1.17.1's executor, observed. Not here: its own metrics and API page, request
logging, and the following of redirects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from seldon_deployer.local.upstream import Header, Response

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


@dataclass(frozen=True)
class Call:
    """A request to the unit: `path` on it, `allowed` methods of the route it came by.

    `is_repeatable`: asking twice does no harm, so a lost answer may be asked for again.
    """

    method: str
    path: str
    allowed: str
    is_repeatable: bool = True
    is_graph_metadata: bool = False


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
    target: str  # "" answers from here: the unit is ready, or the gateway would have said so


def _routes(*rows: tuple[str, str, str]) -> tuple[_Route, ...]:
    return tuple(_Route(re.compile(pattern), method, target) for pattern, method, target in rows)


_SELDON = _routes(
    (r"/api/v(?:0\.1|1\.0)/predictions", "POST", "/predict"),
    (r"/api/v(?:0\.1|1\.0)/feedback", "POST", "/send-feedback"),
    (r"/api/v(?:0\.1|1\.0)/status/(?P<unit>[^/]+)", "GET", "/health/status"),
    (r"/api/v(?:0\.1|1\.0)/metadata/(?P<unit>[^/]+)", "GET", "/metadata"),
    (r"/api/v1\.0/metadata", "GET", "/metadata"),
    (r"/api/v1\.0/(?:health/)?status", "GET", ""),
)
_V2 = _routes(
    (r"/v2/models/(?P<model>[^/]+)/infer", "POST", "/v2/models/{model}/infer"),
    (r"/v2/models/infer", "POST", "/v2/models/{unit}/infer"),
    (r"/v2/models/(?P<unit>[^/]+)/ready", "GET", "/v2/models/{unit}/ready"),
    (r"/v2/models/(?P<unit>[^/]+)", "GET", "/v2/models/{unit}"),
    (r"/v2/health/ready", "GET", ""),
)


def resolve(method: str, path: str, *, protocol: str, unit: str) -> Call | Direct:
    """Find what to ask the unit, or the answer that needs no unit."""
    if path in ("/live", "/ready"):
        return Direct(200)
    for route in _V2 if protocol in ("v2", "kfserving") else _SELDON:
        match = route.pattern.fullmatch(path)
        if match is None:
            continue
        allowed = _POST if route.method == "POST" else _GET
        if method == "OPTIONS":
            return Direct(200, allowed=allowed)
        if method != route.method:
            return Direct(405, is_route=False)
        return _resolve_route(route, match.groupdict(), unit, allowed)
    return Direct(404, b"404 page not found\n", _PLAIN, is_route=False)


def finish(call: Call, response: Response, *, predictor: str, unit: str) -> Response:
    """Turn a unit's answer into the orchestrator's, without the headers of `route_headers`."""
    if response.status != 200:
        return Response(response.status, ((b"content-type", _PLAIN),), escape_body(response.body))
    body = response.body
    headers = [
        (name, value)
        for name, value in response.headers
        if name in (b"content-type", b"content-encoding")
    ]
    if call.is_graph_metadata:
        try:
            body = _graph_metadata(json.loads(body), predictor, unit)
        except ValueError as error:
            return failure(500, str(error))
        headers = [(b"content-type", b"application/json")]
    if response.header(b"content-encoding") is None:
        body = escape_body(body)
    return Response(200, tuple(headers), body)


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


def transport_info(call: Call, port: int, cause: str) -> str:
    """Go's words for a request that got no answer."""
    return f'{call.method.capitalize()} "http://127.0.0.1:{port}{call.path}": {cause}'


def _resolve_route(route: _Route, groups: dict[str, str], unit: str, allowed: str) -> Call | Direct:
    if groups.get("unit", unit) != unit:
        info = failure(500, f"Failed to find model {groups['unit']}")
        return Direct(500, info.body, _PLAIN, allowed)
    if not route.target:
        return Direct(200, allowed=allowed)
    target = route.target.format(unit=unit, model=groups.get("model", unit))
    return Call(
        route.method,
        target,
        allowed,
        is_repeatable=route.target != "/send-feedback",
        is_graph_metadata=route.target == "/metadata" and "unit" not in groups,
    )


def _graph_metadata(model: object, predictor: str, unit: str) -> bytes:
    if not isinstance(model, dict):
        raise ValueError("the unit's metadata is no JSON object")
    order = ("name", "platform", "versions", "inputs", "outputs", "custom")
    # Go leaves empty fields out.
    known = {field: model[field] for field in order if model.get(field)}
    graph = {
        "name": predictor,
        "models": {unit: known},
        "graphinputs": model.get("inputs"),
        "graphoutputs": model.get("outputs"),
    }
    return json.dumps(graph, separators=(",", ":"), ensure_ascii=False).encode()
