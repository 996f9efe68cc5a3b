"""Clients over HTTP that are slow, endless, half gone, or ask for another protocol.

Needs httptools; without it uvicorn has another parser, and these bounds are not there.
"""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of what is no body: the request's line and headers, sizes of chunks, trailers.
MOST_BESIDE_BYTES = 64 * 1024
_REFUSALS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol of HTTP, for clients of any kind.

    What uvicorn does not: a client that closes its sending side gets its answer. What is no body
    has a bound: 431 past it. A client that keeps silent within a request is answered 408, when
    somebody looks after it. `Upgrade` is passed over, as HTTP has it, and the request answered:
    Java's client sends it with its first one. Requests that came whole are answered before the
    400 for what came behind them.
    """

    def connection_made(self, transport: Any) -> None:
        """A client is there."""
        super().connection_made(transport)
        self._beside_bytes = 0
        self._in_head = True
        self._heard = self.loop.time()
        # The request before the last one.
        self._earlier: Any = None
        self._running: Any = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: also for the request that is at work, where others wait behind it."""
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """It has sent something."""
        self._unset_keepalive_if_required()
        self._beside_bytes += len(data)
        while data:
            try:
                self.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = self._rewrite(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                self._refuse(400)
                return
        if self._beside_bytes > MOST_BESIDE_BYTES:
            self._refuse(431)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection until the last request that came whole is answered."""
        self._drop_part()
        if self._is_owed_an_answer:
            self.cycle.keep_alive = False
            return True
        self._forget_request()
        return False

    def drop_if_slow(self, most_seconds: float) -> None:
        """End the connection where the client has not gone on for so long with what it began.

        Not while nothing is read from it: then it is the model that takes its time.
        """
        if self.loop.time() - self._heard < most_seconds or self.flow.read_paused:
            return
        cycle = self.cycle
        is_between = cycle is None or cycle.response_complete
        if self._in_head if is_between else cycle.more_body:
            self._refuse(408)

    def on_message_begin(self) -> None:
        """The parser has found the first byte of a request."""
        super().on_message_begin()
        self._in_head = True
        self._note()

    def on_headers_complete(self) -> None:
        """The parser has read a head."""
        earlier = self.cycle
        super().on_headers_complete()
        if self.cycle is not earlier:
            self._earlier = earlier
        self._in_head = False
        self._note()

    def on_body(self, body: bytes) -> None:
        """The parser has read a part of a body."""
        super().on_body(body)
        self._note()

    def on_message_complete(self) -> None:
        """The parser has read a request."""
        super().on_message_complete()
        self._note()

    @property
    def _is_owed_an_answer(self) -> bool:
        """Whether a request that came whole is not answered yet."""
        cycle = self.cycle
        return not (cycle is None or cycle.response_complete or cycle.more_body)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _drop_part(self) -> None:
        """Take back a request that came in part, and waits for those before it to be answered."""
        if self.pipeline and self.pipeline[0][0] is self.cycle and self.cycle.more_body:
            self.pipeline.popleft()
            self.cycle = self._earlier

    def _forget_request(self) -> None:
        """The connection is about to close: what is still said of its request goes nowhere."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _note(self) -> None:
        """The request has come a step further."""
        self._beside_bytes = 0
        self._heard = self.loop.time()

    def _should_upgrade(self) -> bool:
        # httptools takes the body of such a request for the other protocol's: uvicorn is to begin
        # with none of them, and `_rewrite` has them read again.
        return True

    def _rewrite(self, rest: bytes) -> bytes:
        """The request again, without its `Upgrade`, for a parser that has not seen it."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400)
            return b""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % each for each in self.headers if each[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join([*lines, b"", rest])

    def _refuse(self, status: int) -> None:
        """Answer with an error; or, where whole requests came before, answer these and no more."""
        if self.transport.is_closing():
            return
        self._drop_part()
        if self._is_owed_an_answer:
            self.cycle.keep_alive = False
            return
        self._forget_request()
        text = _REFUSALS[status]
        head = b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
        end = b"connection: close\r\n\r\n"
        self.transport.write(head % (status, text, len(text)) + end + text)
        self.transport.close()
