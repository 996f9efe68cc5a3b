"""One line of JSON on stdout for each request, where it is asked for.

Never what a request or an answer holds, nor its query string, which may hold a whole message.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seldon_deployer.rpc.status import RpcError, StatusCode
from seldon_deployer.server.request import Receive, Scope, Send

if TYPE_CHECKING:
    from seldon_deployer.rpc.messages import Buffer
    from seldon_deployer.rpc.serving import Answer, Call

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


def open_access_log() -> None:
    """Send the lines to stdout, as they are: other messages go to stderr."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def write_access(started: float, **told: Any) -> None:
    """Write the line of one request, which began at `started` of `time.perf_counter()`."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "milliseconds": round((time.perf_counter() - started) * 1000, 3),
        **{name: value for name, value in told.items() if value is not None},
    }
    logger.info("%s", json.dumps(line))


class AccessLog:
    """An ASGI application that answers by another one, and writes a line for each request."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A client that went away before its answer has no status."""
        started = time.perf_counter()
        status: int | None = None
        sizes = {"request": 0, "response": 0}

        async def counting_receive() -> dict[str, Any]:
            event = await receive()
            sizes["request"] += len(event.get("body", b""))
            return event

        async def counting_send(event: dict[str, Any]) -> None:
            nonlocal status
            status = event.get("status", status)
            sizes["response"] += len(event.get("body", b""))
            await send(event)

        try:
            await self._app(scope, counting_receive, counting_send)
        finally:
            headers = dict(scope["headers"])
            client = scope.get("client")
            write_access(
                started,
                protocol=f"HTTP/{scope['http_version']}",
                client=client[0] if client else None,
                method=scope["method"],
                path=scope["path"],
                status=status,
                request_bytes=sizes["request"],
                response_bytes=sizes["response"],
                puid=_text(headers.get(b"seldon-puid")),
                trace=_text(headers.get(b"traceparent") or headers.get(b"uber-trace-id")),
            )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def log_calls(answer: Answer) -> Answer:
    """Answer calls of gRPC by another one, and write a line for each; never what they hold."""

    async def answer_and_write(call: Call) -> Sequence[Buffer] | None:
        started = time.perf_counter()
        request_bytes = call.size_bytes
        # A client that went away before its answer has no status.
        status: StatusCode | None = None
        parts: Sequence[Buffer] | None = None
        try:
            parts = await answer(call)
            status = StatusCode.OK
        except RpcError as error:
            status = error.code
            raise
        finally:
            headers = dict(call.headers)
            write_access(
                started,
                protocol="gRPC",
                client=call.peer or None,
                path=call.path,
                grpc_status=None if status is None else status.name,
                request_bytes=request_bytes,
                response_bytes=sum(len(part) for part in parts or ()),
                puid=_text(headers.get(b"seldon-puid")),
                trace=_text(headers.get(b"traceparent") or headers.get(b"uber-trace-id")),
            )
        return parts

    return answer_and_write
