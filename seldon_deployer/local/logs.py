"""Pod logs: the files that containers write, as `kubectl logs` asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from seldon_deployer.local.api import Api, ApiError
from seldon_deployer.local.negotiation import is_true
from seldon_deployer.local.objects import PODS
from seldon_deployer.local.orchestrator import ENGINE_CONTAINER
from seldon_deployer.local.rotation import FollowedLog
from seldon_deployer.local.status import bad_request
from seldon_deployer.local.streams import Stream
from seldon_deployer.local.targets import Target

Object = dict[str, Any]
# Namespace, pod, container, whether the run before is meant: where its log lies.
LogPath = Callable[[str, str, str, bool], Path | None]

_FOLLOW_SECONDS = 0.1
_OF_ENGINE = "the gateway of the embedded runtime does the work of this container\n"


class LogReader:
    """Answers requests for pod logs."""

    def __init__(self, api: Api, log_path: LogPath, stopping: asyncio.Event) -> None:
        self._api = api
        self._log_path = log_path
        self._stopping = stopping

    def read(self, target: Target, request: Request) -> Response:
        """Answer one request. Raises ApiError."""
        query = request.query_params
        namespace, name = target.namespace or "", target.name
        pod = self._api.get(target.resource, namespace, name)
        container = _container(pod, query.get("container", ""))
        is_previous = is_true(query, "previous")
        path = self._log_path(namespace, name, container, is_previous)
        if path is None or not path.is_file():
            if container == ENGINE_CONTAINER and not is_previous:
                return PlainTextResponse(_OF_ENGINE)
            if is_previous:
                raise bad_request(
                    f'previous terminated container "{container}" in pod "{name}" not found'
                )
            raise bad_request(
                f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating'
            )
        lines = query.get("tailLines")
        if lines is not None and not lines.isdecimal():
            raise bad_request(f"tailLines: Invalid value: {lines!r}")
        limit = int(lines) if lines is not None else None
        if not is_true(query, "follow"):
            return PlainTextResponse(tail(path.read_bytes(), limit))

        def is_running() -> bool:
            return self._is_running(namespace, name, container, pod["metadata"]["uid"])

        chunks = follow(path, limit, is_running)
        return Stream(chunks, self._stopping, "text/plain")

    def _is_running(self, namespace: str, name: str, container: str, uid: str) -> bool:
        try:
            pod = self._api.get(PODS, namespace, name)
        except ApiError:
            return False
        status = pod.get("status", {})
        every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        states = [s.get("state", {}) for s in every if s.get("name") == container]
        return pod["metadata"]["uid"] == uid and not any("terminated" in s for s in states)


def tail(content: bytes, lines: int | None) -> bytes:
    """The last lines of a log; all of it for None."""
    if lines is None:
        return content
    return b"".join(content.splitlines(keepends=True)[-lines:] if lines else [])


async def follow(
    path: Path, lines: int | None, is_running: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield the last `lines` and what is written after, until `is_running` says no more.

    What is moved away meanwhile is read where it is then.
    """
    with closing(FollowedLog(path)) as log:
        yield tail(log.read_all(), lines)
        while True:
            # Asked before reading: what a container wrote last is read before the end.
            ended = not is_running()
            chunk = log.read()
            if chunk:
                yield chunk
            elif ended:
                return
            else:
                await asyncio.sleep(_FOLLOW_SECONDS)


def _container(pod: Object, asked: str) -> str:
    """The container whose log is meant. Raises ApiError 400 where that is not clear."""
    spec, name = pod.get("spec", {}), pod["metadata"]["name"]
    main = [c["name"] for c in spec.get("containers") or []]
    init = [c["name"] for c in spec.get("initContainers") or []]
    if asked in main + init:
        return asked
    if asked:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if len(main) == 1:
        return str(main[0])
    listed = f"[{' '.join(main)}]"
    message = f"a container name must be specified for pod {name}, choose one of: {listed}"
    if init:
        message += f" or one of the init containers: [{' '.join(init)}]"
    raise bad_request(message)
