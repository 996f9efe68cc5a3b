"""Answers without an end of their own: watches and followed logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# A quiet watch says this often up to which version it has seen everything.
BOOKMARK_SECONDS = 60.0


class Stream(Response):
    """Chunks as they come, until they end, the client goes, or the server stops."""

    def __init__(
        self, chunks: AsyncIterator[bytes], stopping: asyncio.Event, media_type: str
    ) -> None:
        self._chunks = chunks
        self._stopping = stopping
        super().__init__(media_type=media_type)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the chunks."""
        del scope  # the request is read already
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        # The headers alone tell a client that its watch has begun.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        sending = asyncio.create_task(self._send_chunks(send))
        ends = [
            asyncio.create_task(_disconnected(receive)),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait([sending, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, *ends):
                task.cancel()
            await asyncio.gather(sending, *ends, return_exceptions=True)
        if sending.done() and not sending.cancelled() and sending.exception():
            raise sending.exception() or AssertionError
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_chunks(self, send: Send) -> None:
        with suppress(OSError):  # the client is gone
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
