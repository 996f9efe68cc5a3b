"""Memory that a server takes before it has read any model.

Measured by `python -m bench footprint`: what no file backs, so that it cannot be given back, of a
server at rest with a model of a few kilobytes, rounded down to 32 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from seldon_deployer.manifest.advice.rule import Finding, Rule, each_unit, our_server, quote
from seldon_deployer.manifest.graph import find_container
from seldon_deployer.quantity import read_quantity

Object = dict[str, Any]

_MEBIBYTE = 2**20
# Seldon's Python servers, which are seven processes, and MLServer.
SELDON_MEBIBYTES = 192
MLSERVER_MEBIBYTES = 128
# Ours, by what its class imports.
OUR_MEBIBYTES = 96
TORCH_MEBIBYTES = 256
TENSORFLOW_MEBIBYTES = 256

_PYTHON_SERVERS = ("SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER")
_BY_PROTOCOL = {
    "seldon": SELDON_MEBIBYTES,
    "v2": MLSERVER_MEBIBYTES,
    "kfserving": MLSERVER_MEBIBYTES,
}
_HEAVY = {"PYTORCH_SERVER": TORCH_MEBIBYTES, "KERAS_SERVER": TENSORFLOW_MEBIBYTES}


def _too_little_memory(obj: Object) -> Iterator[Finding]:
    protocol = obj["spec"].get("protocol") or "seldon"
    for path, unit, predictor in each_unit(obj):
        container = find_container(predictor, unit["name"]) or {}
        known = _own_mebibytes(unit, container, protocol)
        sizes = container.get("resources") or {}
        for kind in ("limits", "requests"):
            given = (sizes.get(kind) or {}).get("memory")
            if known is None or given is None:
                continue
            if read_quantity(str(given)) < Decimal(known * _MEBIBYTE):
                message = f"{quote(unit['name'])} has {given} of memory ({kind})"
                yield f"{path}.name", f"{message}, and its server takes about {known}Mi by itself"
                break


def _own_mebibytes(unit: Object, container: Object, protocol: str) -> int | None:
    """What the unit's server takes; None for what was never measured."""
    if unit.get("implementation") in _PYTHON_SERVERS and not container.get("image"):
        return _BY_PROTOCOL.get(protocol)
    server = our_server(container)
    return None if server is None else _HEAVY.get(server.name, OUR_MEBIBYTES)


RULES = (
    Rule(
        "server-memory",
        "warning",
        "at its limit a container is killed while it starts; above its request it is the first "
        "to go where a node runs out",
        _too_little_memory,
    ),
)
