"""The embedded API over HTTP: a Starlette application on loopback.

Every request needs the bearer token, health checks aside, and a Host that names loopback: a web
page in a browser can reach the port, but can do neither.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from seldon_deployer.local.api import Api, ApiError
from seldon_deployer.local.discovery import (
    aggregated,
    core_versions,
    find_group,
    group_list,
    resource_list,
    version_info,
)
from seldon_deployer.local.handlers import Handler
from seldon_deployer.local.logs import LogPath
from seldon_deployer.local.negotiation import DISCOVERY, accepted
from seldon_deployer.local.openapi import openapi_document, openapi_index
from seldon_deployer.local.targets import find_target

_LOGGER = logging.getLogger(__name__)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_AGGREGATED = f"application/json;g={DISCOVERY};v=v2;as=APIGroupDiscoveryList"

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(api: Api, *, token: str, log_path: LogPath) -> Starlette:
    """Build the application. `log_path(namespace, pod, container, previous)` finds a log file.

    Set `app.state.stopping` (an asyncio.Event) before the server shuts down: watches and followed
    logs end by it, cleanly.
    """
    stopping = asyncio.Event()
    handler = Handler(api, log_path, stopping)
    app = Starlette(
        routes=[
            Route("/healthz", _healthy),
            Route("/livez", _healthy),
            Route("/readyz", _healthy),
            Route("/version", _version),
            Route("/api", _core),
            Route("/apis", _groups),
            Route("/apis/{group}", _one_group),
            Route("/openapi/v3", _openapi),
            Route("/openapi/v3/{path:path}", _openapi_version),
            Route("/api/{version}/{path:path}", _resources(handler), methods=_METHODS),
            Route("/api/{version}", _resource_list),
            Route("/apis/{group}/{version}/{path:path}", _resources(handler), methods=_METHODS),
            Route("/apis/{group}/{version}", _resource_list),
        ],
        exception_handlers={
            ApiError: _refuse,
            sqlite3.Error: _store_failed,
            404: _no_such_path,
            405: _no_such_method,
        },
    )
    app.state.stopping = stopping
    app.add_middleware(_Guard, token=token)
    return app


class _Guard:
    """Lets in who names loopback as Host and brings the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            _LOGGER.warning("refused %s %s: %s", request.method, request.url.path, refusal.reason)
            await JSONResponse(refusal.to_object(), refusal.status)(scope, receive, send)

    def _refusal(self, request: Request) -> ApiError | None:
        host = request.headers.get("host", "")
        if host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK:
            return ApiError(403, "Forbidden", "this server answers to loopback names alone")
        if request.url.path in _OPEN_PATHS:
            return None
        if hmac.compare_digest(_given_token(request), self._token):
            return None
        return ApiError(401, "Unauthorized", "Unauthorized")


def _given_token(request: Request) -> bytes:
    """The bearer token, or the password of basic authentication (see kubeconfig.py)."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.encode()
    try:
        decoded = base64.b64decode(given if scheme.lower() == "basic" else "", validate=True)
    except binascii.Error:
        return b""
    return decoded.partition(b":")[2]


def _resources(handler: Handler) -> Endpoint:
    async def answer(request: Request) -> Response:
        params = request.path_params
        group = params.get("group", "")
        target = find_target(group, params["version"], params["path"])
        if target is None:
            if resource_list(group, params["version"]) is None:
                return _not_served()
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        return await handler.handle(target, request)

    return answer


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _version(_request: Request) -> Response:
    return JSONResponse(version_info())


async def _core(request: Request) -> Response:
    if accepted(request.headers.get("accept", "")).is_aggregated:
        return JSONResponse(aggregated(core=True), media_type=_AGGREGATED)
    return JSONResponse(core_versions(request.headers.get("host", "")))


async def _groups(request: Request) -> Response:
    if accepted(request.headers.get("accept", "")).is_aggregated:
        return JSONResponse(aggregated(core=False), media_type=_AGGREGATED)
    return JSONResponse(group_list())


async def _one_group(request: Request) -> Response:
    group = find_group(request.path_params["group"])
    return _not_served() if group is None else JSONResponse(group)


async def _resource_list(request: Request) -> Response:
    params = request.path_params
    found = resource_list(params.get("group", ""), params["version"])
    return _not_served() if found is None else JSONResponse(found)


async def _openapi(_request: Request) -> Response:
    return JSONResponse(openapi_index())


async def _openapi_version(request: Request) -> Response:
    parts = request.path_params["path"].split("/")
    if parts[0] == "api" and len(parts) == 2:
        found = openapi_document("", parts[1])
    elif parts[0] == "apis" and len(parts) == 3:
        found = openapi_document(parts[1], parts[2])
    else:
        found = None
    return _not_served() if found is None else JSONResponse(found)


def _not_served() -> Response:
    return PlainTextResponse("404 page not found\n", 404)


async def _store_failed(_request: Request, error: Exception) -> Response:
    _LOGGER.error("the store failed: %s", error)
    message = f"Internal error occurred: the store failed: {error}"
    return JSONResponse(ApiError(500, "InternalError", message).to_object(), 500)


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse(error.to_object(), error.status)


async def _no_such_path(_request: Request, _error: Exception) -> Response:
    return _not_served()


async def _no_such_method(_request: Request, _error: Exception) -> Response:
    refusal = ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )
    return JSONResponse(refusal.to_object(), 405)
