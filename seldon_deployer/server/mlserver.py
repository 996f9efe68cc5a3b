"""What the environment says to MLServer, where it means something here as well.

Seldon's operator sets some of it on every unit; users set more on units of V2.
Source: MLServer 1.3.5 (settings by environment), Seldon Core v1.17.1 (what the operator sets).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seldon_deployer.errors import UsageError
from seldon_deployer.server.batching import DELAY, SIZE

_PREFIX = "MLSERVER_"
_WORKERS = "MLSERVER_PARALLEL_WORKERS"
_BATCH_ROWS = "MLSERVER_MODEL_MAX_BATCH_SIZE"
_BATCH_SECONDS = "MLSERVER_MODEL_MAX_BATCH_TIME"
_GRPC_BYTES = "MLSERVER_GRPC_MAX_MESSAGE_LENGTH"
_READ = {_WORKERS, _BATCH_ROWS, _BATCH_SECONDS, _GRPC_BYTES}
# The operator's own: read elsewhere, or said by the class that is served.
_OPERATORS = {
    f"{_PREFIX}{name}"
    for name in (
        *("HTTP_PORT", "GRPC_PORT", "METRICS_PORT", "METRICS_ENDPOINT", "MODEL_NAME"),
        *("MODEL_URI", "MODEL_IMPLEMENTATION", "MODEL_VERSION", "MODEL_EXTRA"),
    )
}


def read_mlserver(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that its variables make, where they are set: workers, batches, sizes.

    Raises UsageError that names the variable that is malformed.
    """
    batches: dict[str, float] = {}
    if (rows := _number(environment, _BATCH_ROWS)) is not None:
        batches[SIZE] = rows
    if (seconds := _number(environment, _BATCH_SECONDS)) is not None:
        batches[DELAY] = seconds * 1000
    found: dict[str, Any] = {"batches": batches}
    # 0 is no process beside the one that answers; here that is one worker.
    if workers := _number(environment, _WORKERS):
        found["workers"] = math.ceil(workers)
    if size := _number(environment, _GRPC_BYTES):
        found["grpc_max_bytes"] = int(size)
    return found


def describe_unread(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What is said to MLServer in vain, a sentence each."""
    names = sorted(name for name in environment if name.startswith(_PREFIX))
    return tuple(
        f"{name} has no effect here: it is for MLServer alone"
        for name in names
        if name not in _READ | _OPERATORS
    )


def _number(environment: Mapping[str, str], name: str) -> float | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{name} is no number") from error
    if not 0 <= value < math.inf:
        raise UsageError(f"{name} is {text}", why="it has to be 0 or more")
    return value
