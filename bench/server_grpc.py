"""gRPC of our model server beside seldon-core's and MLServer's, on this machine, in turns.

One worker each, iris `predict_proba`, one row; requests one at a time on each connection.
"""

from __future__ import annotations

import shutil
import statistics
from contextlib import ExitStack

from bench.grpc_calls import INFER, PREDICT, call, requests_per_second, seldon_request, v2_request
from bench.measure import Row
from bench.running import Running, mlserver, ours, ours_prepackaged, seldon_core

ROUNDS = 3
SECONDS = 3
CONNECTIONS = (1, 16, 64)


def run() -> list[Row]:
    """Throughput for each protocol that ours shares with another."""
    if shutil.which("h2load") is None:
        return [Row("gRPC: h2load is missing", "apt-get install nghttp2-client")]
    rows = []
    for protocol, our, other, name, method, request in (
        ("seldon", ours, seldon_core, "seldon-core", PREDICT, seldon_request()),
        ("v2", ours_prepackaged, mlserver, "MLServer", INFER, v2_request()),
    ):
        with ExitStack() as stack:
            servers = stack.enter_context(our()), stack.enter_context(other())
            for server in servers:
                call(server, method, request)
            rows += [
                _throughput(protocol, name, servers, method, request, connections)
                for connections in CONNECTIONS
            ]
    return rows


def _throughput(
    protocol: str,
    name: str,
    servers: tuple[Running, Running],
    method: str,
    request: bytes,
    connections: int,
) -> Row:
    rates: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for column, server in zip(rates, servers, strict=True):
            column.append(
                requests_per_second(
                    server, method, request, connections=connections, seconds=SECONDS
                )
            )
    mine, theirs = (statistics.median(column) for column in rates)
    return Row(
        f"gRPC {protocol}, {connections} connections",
        f"{mine:.0f}/s",
        f"{name}: {theirs:.0f}/s",
        f"{mine / theirs:.1f} x",
    )
