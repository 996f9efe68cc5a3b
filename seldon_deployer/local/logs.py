"""Pod logs: the files that containers write, as `kubectl logs` asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

_CHUNK_BYTES = 1 << 16
_FOLLOW_SECONDS = 0.1


def tail(content: bytes, lines: int | None) -> bytes:
    """The last lines of a log; all of it for None."""
    if lines is None:
        return content
    return b"".join(content.splitlines(keepends=True)[-lines:] if lines else [])


async def follow(
    path: Path, lines: int | None, is_running: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield the last `lines` and what is written after, until `is_running` says no more."""
    with path.open("rb") as file:
        yield tail(file.read(), lines)
        while True:
            # Asked before reading: what a container wrote last is read before the end.
            ended = not is_running()
            chunk = file.read(_CHUNK_BYTES)
            if chunk:
                yield chunk
            elif ended:
                return
            else:
                await asyncio.sleep(_FOLLOW_SECONDS)
