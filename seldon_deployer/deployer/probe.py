"""Ask a service through its base URL whether it answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

log = logging.getLogger(__name__)

# Both answer with and without the orchestrator.
HEALTH_PATHS = {"v2": "v2/health/ready", "kfserving": "v2/health/ready"}
SELDON_HEALTH_PATH = "api/v1.0/health/status"
# An ingress learns of a new route a moment after the pods are ready, not minutes.
LONGEST_PROBE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0
_TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)


def health_url(base_url: str, deployment: dict[str, Any]) -> str:
    """The URL behind `base_url` that answers 200 when the deployment serves."""
    metadata = deployment["metadata"]
    protocol = deployment["spec"].get("protocol") or "seldon"
    path = HEALTH_PATHS.get(protocol, SELDON_HEALTH_PATH)
    return f"{base_url.rstrip('/')}/seldon/{metadata['namespace']}/{metadata['name']}/{path}"


def probe(url: str, *, deadline: float, pause: Callable[[float], None] = time.sleep) -> str | None:
    """Ask until the URL answers, `deadline` (of time.monotonic) or half a minute have passed.

    Returns None when it answers, else what it said last. An answer of 401 or 403 counts: what
    guards the way in is there, and is not ours to pass.
    """
    until = min(deadline, time.monotonic() + LONGEST_PROBE_SECONDS)
    delay = _FIRST_PAUSE_SECONDS
    with urllib3.PoolManager(retries=False) as http:
        while True:
            said = _ask(http, url)
            if said is None or time.monotonic() + delay >= until:
                return said
            pause(delay)
            delay = min(2 * delay, _LONGEST_PAUSE_SECONDS)


def _ask(http: urllib3.PoolManager, url: str) -> str | None:
    try:
        response = http.request("GET", url, timeout=_TIMEOUT)
    except HTTPError as error:
        return f"no answer ({type(error).__name__})"
    if response.status in {401, 403}:
        log.info("%s asks for credentials: taken as reachable", url)
        return None
    return None if response.status == 200 else f"HTTP {response.status}"
