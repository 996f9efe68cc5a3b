"""The annotations of the unit's pod, as Kubernetes writes them into a file of it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from seldon_deployer.naming import PODINFO

# Source: Seldon Core v1.17.1, the volume seldon-podinfo.
ANNOTATIONS = Path(PODINFO, "annotations")
GRPC_MAX_MESSAGE_SIZE = "seldon.io/grpc-max-message-size"
REST_TIMEOUT = "seldon.io/rest-timeout"
# Of milliseconds: more than 30 years is no timeout.
_MOST_DIGITS = 12


def read_annotations(path: Path = ANNOTATIONS) -> dict[str, str]:
    """Read lines of `key="value"`; empty where there is no such file.

    A line that is none is passed over: one odd annotation must not take the others away, as it
    does with Seldon's orchestrator.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        key, equals, quoted = line.partition("=")
        with suppress(ValueError):
            value = json.loads(quoted)
            if equals and isinstance(value, str):
                found[key] = value
    return found


def grpc_max_bytes(annotations: dict[str, str]) -> int | None:
    """The largest message over gRPC that an annotation asks for; None where none does so."""
    size = annotations.get(GRPC_MAX_MESSAGE_SIZE, "")
    return int(size) if size.isdecimal() and int(size) > 0 else None


def rest_timeout_seconds(annotations: dict[str, str]) -> float | None:
    """How long a request over REST may take, as an annotation says; None where none does so.

    The orchestrator waits for as long. Source: Seldon Core v1.17.1, milliseconds.
    """
    told = annotations.get(REST_TIMEOUT, "").lstrip("0")
    return int(told) / 1000 if told.isdecimal() and len(told) <= _MOST_DIGITS else None


def describe_odd(annotations: dict[str, str]) -> tuple[str, ...]:
    """The annotations that are read here and are none that can be: a sentence each."""
    read = {
        GRPC_MAX_MESSAGE_SIZE: (grpc_max_bytes(annotations), "bytes"),
        REST_TIMEOUT: (rest_timeout_seconds(annotations), "milliseconds"),
    }
    return tuple(
        f"the annotation {name} is passed over: {annotations[name]!r} is no number of {unit}"
        for name, (value, unit) in read.items()
        if value is None and name in annotations
    )
