"""Kubernetes probes of one container over loopback: startup, readiness, liveness.

One local rule: while a container is starting, its probes are asked every few milliseconds and the
first success counts at once. Failures are counted at the probe's own pace, and its initial delay
holds them back, never a success; so a local start takes as long as the process takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

STARTING_PERIOD_SECONDS = 0.015


@dataclass(frozen=True)
class Probe:
    """One probe with its ports made real; `path` is None for a TCP probe."""

    port: int
    path: str | None
    headers: tuple[tuple[str, str], ...] = ()
    initial_delay_seconds: float = 0
    period_seconds: float = 10
    timeout_seconds: float = 1
    success_threshold: int = 1
    failure_threshold: int = 3

    @property
    def patience_seconds(self) -> float:
        """How long a container may fail this probe from its start on."""
        return self.initial_delay_seconds + self.period_seconds * self.failure_threshold

    async def failure(self) -> str | None:
        """Ask once; None for success, else what kubelet would say."""
        try:
            return await asyncio.wait_for(self._ask(), self.timeout_seconds)
        except TimeoutError:
            if self.path is None:
                return f"dial tcp 127.0.0.1:{self.port}: i/o timeout"
            return (
                f'Get "{self._url}": context deadline exceeded '
                "(Client.Timeout exceeded while awaiting headers)"
            )
        except OSError:
            dial = f"dial tcp 127.0.0.1:{self.port}: connect: connection refused"
            return dial if self.path is None else f'Get "{self._url}": {dial}'

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    async def _ask(self) -> str | None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if self.path is None:
                return None
            lines = [f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
            lines += [f"{name}: {value}" for name, value in self.headers]
            lines += ["User-Agent: kube-probe/1.34", "Accept: */*", "Connection: close", "", ""]
            writer.write("\r\n".join(lines).encode())
            parts = (await reader.readline()).split(None, 2)
            status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
            # What is left of the answer is read, so that the unit sees no broken connection.
            while await reader.read(65536):
                pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if status == 0:
            return f'Get "{self._url}": EOF'
        if 200 <= status < 400:
            return None
        return f"HTTP probe failed with statuscode: {status}"


def read_probe(container: Object, kind: str, ports: Mapping[str, int]) -> Probe | None:
    """The probe of that kind (`readinessProbe`, ...), or None where there is none to ask.

    `ports` maps the object's port names and numbers (as text) to real ones. Probes by `exec` and
    `grpc` are not asked: None.
    """
    spec = container.get(kind)
    if not spec:
        return None
    handler = spec.get("httpGet") or spec.get("tcpSocket")
    if not handler:
        return None
    named = str(handler["port"])
    if named not in ports:
        return None
    is_http = "httpGet" in spec
    return Probe(
        port=ports[named],
        path=handler.get("path", "/") if is_http else None,
        headers=tuple((item["name"], item["value"]) for item in handler.get("httpHeaders", [])),
        initial_delay_seconds=spec.get("initialDelaySeconds", 0),
        period_seconds=spec.get("periodSeconds", 10),
        timeout_seconds=spec.get("timeoutSeconds", 1),
        success_threshold=spec.get("successThreshold", 1),
        failure_threshold=spec.get("failureThreshold", 3),
    )
