"""The health checks that we give to units, so that they serve as soon as they can.

The operator keeps a container's own probes, for prepackaged servers too; its defaults wait
20 seconds before they look. A startup probe holds the operator's liveness probe back, so a model
may take its time to load. Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

# Half an hour to load a model, looked at every second.
STARTUP_LIMIT_SECONDS = 1800
# A unit that predicts in its only worker answers late: late is not dead.
_TIMEOUT_SECONDS = 5
_READINESS_FAILURES = 5

_READY_PATHS = {"seldon": "/health/status", "v2": "/v2/health/ready"}


def unit_probes(protocol: str, *, speaks_http: bool) -> Object:
    """The `readinessProbe` and `startupProbe` of a unit's container.

    The port is named: the operator declares `http` on every unit. An image of unknown make
    (`speaks_http` false) is only connected to, as the operator does.
    """
    return {
        "readinessProbe": _probe(protocol, speaks_http, failures=_READINESS_FAILURES),
        "startupProbe": _probe(protocol, speaks_http, failures=STARTUP_LIMIT_SECONDS),
    }


def _probe(protocol: str, speaks_http: bool, *, failures: int) -> Object:
    check: Object = {"tcpSocket": {"port": "http"}}
    if speaks_http:
        check = {"httpGet": {"path": _READY_PATHS[protocol], "port": "http"}}
    return {
        **check,
        "periodSeconds": 1,
        "timeoutSeconds": _TIMEOUT_SECONDS,
        "failureThreshold": failures,
    }
