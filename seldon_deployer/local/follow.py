"""The gateway's view of control: lists and watches over HTTP, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from seldon_deployer.errors import LocalRuntimeError
from seldon_deployer.local.home import read_runtime
from seldon_deployer.local.operator_names import DEPLOYMENT_ID_LABEL
from seldon_deployer.local.routes import Routes

logger = logging.getLogger(__name__)

Object = dict[str, Any]

SDEPS = "/apis/machinelearning.seldon.io/v1/seldondeployments"
PODS = "/api/v1/pods"
# On every pod of Seldon's, also those of an orchestrator alone.
_LABEL = DEPLOYMENT_ID_LABEL
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 1.0


async def follow_control(home: Path, routes: Routes, synced: asyncio.Event) -> None:
    """Keep `routes` as control has it, until cancelled; without control they stay as they are."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            sdeps, sdep_version = await _list(home, SDEPS)
            pods, pod_version = await _list(home, f"{PODS}?labelSelector={_LABEL}")
            routes.keep_only(
                {item["metadata"]["uid"] for item in sdeps},
                {item["metadata"]["uid"] for item in pods},
            )
            for sdep in sdeps:
                _take(routes.set_sdep, sdep)
            for pod in pods:
                _take(routes.set_pod, pod)
            synced.set()
            pause = _FIRST_PAUSE_SECONDS
            async with asyncio.TaskGroup() as group:
                group.create_task(_watch_sdeps(home, routes, sdep_version))
                group.create_task(_watch_pods(home, routes, pod_version))
        except* (OSError, EOFError, ValueError, LocalRuntimeError) as errors:
            # Control is away or forgot the version: what we know still serves.
            logger.debug("control is away: %s", errors.exceptions[0])
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _watch_sdeps(home: Path, routes: Routes, version: str) -> None:
    async for change, obj in _watch(home, SDEPS, version):
        if change == "DELETED":
            routes.drop_sdep(obj["metadata"]["uid"])
        else:
            _take(routes.set_sdep, obj)


async def _watch_pods(home: Path, routes: Routes, version: str) -> None:
    async for change, obj in _watch(home, f"{PODS}?labelSelector={_LABEL}", version):
        if change == "DELETED":
            routes.drop_pod(obj["metadata"]["uid"])
        else:
            _take(routes.set_pod, obj)


def _take(into: Callable[[Object], None], obj: Object) -> None:
    try:
        into(obj)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Anybody may write objects: one that no check foresaw must not cost the others their news.
        metadata = obj["metadata"]
        logger.exception("%s/%s cannot be read", metadata.get("namespace"), metadata["name"])


async def _list(home: Path, path: str) -> tuple[list[Object], str]:
    lines = [line async for line in _get_lines(home, path)]
    answer = json.loads(b"".join(lines))
    return answer["items"], answer["metadata"]["resourceVersion"]


async def _watch(home: Path, path: str, version: str) -> AsyncIterator[tuple[str, Object]]:
    joint = "&" if "?" in path else "?"
    async for line in _get_lines(home, f"{path}{joint}watch=true&resourceVersion={version}"):
        event = json.loads(line)
        if event["type"] == "ERROR":
            raise EOFError(event["object"].get("message", ""))
        if event["type"] != "BOOKMARK":
            yield event["type"], event["object"]
    raise EOFError("the watch ended")


async def _get_lines(home: Path, path: str) -> AsyncIterator[bytes]:
    """GET from control; yields the lines of the body. Raises OSError, EOFError, ValueError."""
    runtime = read_runtime(home)
    if runtime is None:
        raise EOFError("no control yet")
    reader, writer = await asyncio.open_connection("127.0.0.1", runtime.api_port, limit=2**26)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{runtime.api_port}\r\n"
            f"Authorization: Bearer {runtime.token}\r\nAccept: application/json\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise EOFError(f"control answered {status}")
        is_chunked = b"transfer-encoding: chunked" in head.lower()
        body = _chunks(reader) if is_chunked else _blocks(reader)
        rest = b""
        async for block in body:
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield line
        if rest:
            yield rest
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = int((await reader.readline()).strip() or b"0", 16)
        if size == 0:
            return
        yield await reader.readexactly(size)
        await reader.readline()


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while block := await reader.read(2**16):
        yield block
