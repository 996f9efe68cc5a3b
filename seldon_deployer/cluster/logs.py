"""A container's log, line by line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import urllib3
from urllib3.exceptions import HTTPError

from seldon_deployer.cluster.failures import Call, unreachable
from seldon_deployer.cluster.resources import PODS
from seldon_deployer.cluster.transport import READ_TIMEOUT_SECONDS, Transport
from seldon_deployer.errors import ClusterError, ManifestError

_CHUNK_BYTES = 64 * 1024


def open_log(
    transport: Transport,
    pod: str,
    namespace: str,
    *,
    container: str | None,
    previous: bool,
    tail: int | None,
    follow: bool,
) -> Iterator[str]:
    """Open the log at once (errors are raised here) and return its lines without line ends.

    Raises ClusterError, also for a container that has written none.
    """
    call = Call("get", PODS, pod, namespace, "log")
    try:
        response = transport.open(
            PODS.path(namespace, pod, "log"),
            call,
            params={
                "container": container or "",
                "previous": "true" if previous else "",
                "tailLines": "" if tail is None else str(tail),
                "follow": "true" if follow else "",
            },
            # Nobody knows when a process will write its next line.
            read_timeout_seconds=None if follow else READ_TIMEOUT_SECONDS,
        )
    except ManifestError as error:
        # A kubelet answers 400 for a container that waits, or that has no run before this one.
        raise ClusterError(f"pod {pod} has no such log", why=error.why, status=400) from error
    return _lines(response, transport.server, call)


def _lines(response: urllib3.BaseHTTPResponse, server: str, call: Call) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    rest = ""
    try:
        for chunk in response.stream(_CHUNK_BYTES):
            *lines, rest = (rest + decode(chunk)).split("\n")
            yield from lines
    except HTTPError as error:
        raise unreachable(error, server, call) from error
    finally:
        response.close()
    if rest:
        yield rest
