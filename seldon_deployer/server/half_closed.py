"""Clients that close their sending side and wait: they get their answer."""

from __future__ import annotations

from typing import Any


def answering_protocol() -> Any:
    """uvicorn's protocol of HTTP, for clients that close their sending side after a whole request.

    uvicorn drops such a connection, with the answer on its way. Without httptools it is
    uvicorn's own choice.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class Answering(HttpToolsProtocol):
        def eof_received(self) -> bool:  # type: ignore[override]
            """Keep the connection until the last request that came whole is answered."""
            cycle = self.cycle
            if cycle is None or cycle.response_complete or cycle.more_body:
                return False
            cycle.keep_alive = False
            return True

    return Answering
