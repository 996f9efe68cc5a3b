"""Follow the changes of a collection, over cut connections and forgotten versions.

A watch is read line by line with a read timeout and goes on from the last resourceVersion after
a cut. When the API has forgotten that version (410), the collection is listed again and the
difference is told as events, so that whoever reads them never sees the seam.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import urllib3
from urllib3.exceptions import HTTPError

from seldon_deployer.cluster.failures import Call, error_of, parse_status, unreachable
from seldon_deployer.cluster.resources import Object
from seldon_deployer.cluster.transport import Transport
from seldon_deployer.errors import ClusterError, ClusterUnreachable

log = logging.getLogger(__name__)

EventType = Literal["ADDED", "MODIFIED", "DELETED"]

# The API ends the stream after this long; a little later we take it for dead.
STREAM_SECONDS = 240
READ_TIMEOUT_SECONDS = 270.0
_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 5.0
_CHUNK_BYTES = 64 * 1024
_GONE = 410


@dataclass(frozen=True)
class WatchEvent:
    """One change: `object` is the new state, or the last one of what was DELETED."""

    type: EventType
    object: Object


class Watch:
    """An endless iterator of WatchEvent, ended by `close()` from any thread, at once.

    Raises what a retry cannot heal (PermissionDenied, ApiMissing ...); an API server that is
    away for a while is waited for, with growing delays.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        call: Call,
        *,
        params: dict[str, str],
        list_objects: Callable[[], tuple[list[Object], str]],
        since: str | None = None,
        known: Iterable[Object] = (),
    ) -> None:
        self._transport = transport
        self._path = path
        self._call = call
        self._params = params
        self._list_objects = list_objects
        self._version = since
        # By uid: an object that was deleted and made again is another one.
        self._known: dict[str, Object] = {_uid(obj): obj for obj in known}
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._response: urllib3.BaseHTTPResponse | None = None

    def close(self) -> None:
        """End the iteration, even while it waits for the next event."""
        self._closed.set()
        with self._lock:
            if self._response is not None:
                # Wakes the thread that reads: closing alone would not.
                _shut(self._response)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[WatchEvent]:
        delay = _FIRST_RETRY_SECONDS
        while not self._closed.is_set():
            try:
                if self._version is None:
                    yield from self._relist()
                for event in self._stream():
                    delay = _FIRST_RETRY_SECONDS
                    yield event
                # Ended in peace; a proxy that ends it at once must not make us spin.
                self._closed.wait(delay)
                delay = min(2 * delay, _LONGEST_RETRY_SECONDS)
            except ClusterError as error:
                if self._closed.is_set():
                    return
                if error.status == _GONE:
                    log.debug("%s: the version is gone, listing again", self._call)
                    self._version = None
                    continue
                if not isinstance(error, ClusterUnreachable) and not _is_passing(error):
                    raise
                log.debug("%s: cut (%s), going on in %.1f s", self._call, error.why, delay)
                self._closed.wait(delay)
                delay = min(2 * delay, _LONGEST_RETRY_SECONDS)

    def _relist(self) -> list[WatchEvent]:
        objects, version = self._list_objects()
        now = {_uid(obj): obj for obj in objects}
        events = [WatchEvent("DELETED", obj) for uid, obj in self._known.items() if uid not in now]
        for uid, obj in now.items():
            before = self._known.get(uid)
            if before is None:
                events.append(WatchEvent("ADDED", obj))
            elif _version(before) != _version(obj):
                events.append(WatchEvent("MODIFIED", obj))
        self._known = now
        self._version = version
        return events

    def _stream(self) -> Iterator[WatchEvent]:
        """Events from the current version on, until the server ends the stream."""
        response = self._transport.open(
            self._path,
            self._call,
            params=self._params
            | {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": self._version or "",
                "timeoutSeconds": str(STREAM_SECONDS),
            },
            read_timeout_seconds=READ_TIMEOUT_SECONDS,
        )
        with self._lock:
            self._response = response
        try:
            if self._closed.is_set():
                return
            for line in _lines(response):
                event = self._event(json.loads(line))
                if self._closed.is_set():
                    return
                if event is not None:
                    yield event
        except (HTTPError, OSError, ValueError) as error:
            # A line that was cut is no JSON. Its event comes again from the last version.
            raise unreachable(error, self._transport.server, self._call) from error
        finally:
            with self._lock:
                self._response = None
            response.close()

    def _event(self, raw: Any) -> WatchEvent | None:
        obj = raw["object"]
        if raw["type"] == "ERROR":
            status = parse_status(int(obj.get("code") or 500), json.dumps(obj).encode())
            error = error_of(status, self._call)
            if status.code == _GONE or status.reason in {"Expired", "Gone"}:
                raise ClusterError(error.what, why=error.why, status=_GONE)
            raise error
        self._version = _version(obj)
        if raw["type"] == "BOOKMARK":
            return None
        if raw["type"] == "DELETED":
            self._known.pop(_uid(obj), None)
        else:
            self._known[_uid(obj)] = obj
        return WatchEvent(raw["type"], obj)


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    parts: list[bytes] = []
    for chunk in response.stream(_CHUNK_BYTES):
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield b"".join((*parts, line))
            parts = []
        if rest:
            parts.append(rest)


def _shut(response: urllib3.BaseHTTPResponse) -> None:
    try:
        response.shutdown()
    except (OSError, RuntimeError, ValueError):
        # Already ended by the other side: then nobody waits for it.
        log.debug("the watch had ended by itself")


def _is_passing(error: ClusterError) -> bool:
    return error.status is not None and (error.status == 429 or error.status >= 500)


def _uid(obj: Object) -> str:
    return str(obj["metadata"].get("uid") or obj["metadata"].get("name"))


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion") or "")
