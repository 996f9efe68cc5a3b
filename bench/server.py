"""Our model server beside seldon-core's and MLServer, on this machine, in turns.

One worker each, iris `predict_proba`; ours once as it comes, and once asked for adaptive batches by
a parameter of the unit. Throughput by `wrk`; latency at the same offered load by `hey`. Both are
Debian packages.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.measure import Row
from bench.running import (
    SELDON_BODY,
    V2_BODY,
    Running,
    mlserver,
    ours,
    ours_prepackaged,
    seldon_core,
)

ROUNDS = 3
SECONDS = 3
# A hundredth of the requests is a small number: a pause of the machine is most of it.
LATENCY_ROUNDS = 7
LATENCY_SECONDS = 5
CONNECTIONS = (1, 16, 64)
# Below what either of the others can do on two cores, so that all three keep up.
OFFERED_PER_SECOND = 400
Server = Callable[[], AbstractContextManager[Running]]
# Ours as it comes, and with batches.
_KINDS = ("", " in batches")
BATCHES = {"max_batch_size": 64, "max_batch_delay_ms": 1}


def run() -> list[Row]:
    """Throughput, latency, start and memory, for each protocol that ours shares with another."""
    for tool in ("wrk", "hey"):
        if shutil.which(tool) is None:
            return [Row(f"model server: {tool} is missing", f"apt-get install {tool}")]
    batched = partial(ours, PREDICTIVE_UNIT_PARAMETERS=json.dumps(BATCHES))
    rows = _compare("seldon", SELDON_BODY, (ours, batched, seldon_core), "seldon-core", (4.0, 6.0))
    batched = partial(ours_prepackaged, **BATCHES)
    servers = (ours_prepackaged, batched, mlserver)
    return rows + _compare("v2", V2_BODY, servers, "MLServer", (3.0, 4.5))


def _compare(
    protocol: str,
    body: dict[str, object],
    servers: tuple[Server, Server, Server],
    name: str,
    aims: tuple[float, float],
) -> list[Row]:
    with ExitStack() as stack:
        plain, batched, theirs = (stack.enter_context(server()) for server in servers)
        running = (plain, batched, theirs)
        script = stack.enter_context(_wrk_script(body))
        rows: list[Row] = []
        for connections in CONNECTIONS:
            rows += _throughput(protocol, name, running, script, connections, aims)
        rows += _latency(protocol, name, running, body)
        rows.append(_memory(protocol, name, plain, theirs))
    starts = [_start_seconds(server) for server in (servers[0], servers[2])]
    rows.append(
        Row(
            f"REST {protocol}: start to ready",
            f"{starts[0]:.2f} s",
            f"{name}: {starts[1]:.2f} s",
            f"{starts[0] / starts[1]:.2f} x",
        )
    )
    return rows


def _throughput(
    protocol: str,
    name: str,
    servers: tuple[Running, Running, Running],
    script: Path,
    connections: int,
    aims: tuple[float, float],
) -> list[Row]:
    rates = _in_turns(
        servers, lambda server: _requests_per_second(server.url(protocol), script, connections)
    )
    return [
        Row(
            f"REST {protocol}{kind}, {connections} connections",
            f"{mine:.0f}/s",
            f"{name}: {rates[2]:.0f}/s",
            f"{mine / rates[2]:.1f} x",
            f"{aim:g} x" if connections == 16 else "",
            mine / rates[2] >= aim if connections == 16 else None,
        )
        for kind, mine, aim in zip(_KINDS, rates, aims, strict=False)
    ]


def _latency(
    protocol: str,
    name: str,
    servers: tuple[Running, Running, Running],
    body: dict[str, object],
) -> list[Row]:
    times = _in_turns(
        servers, lambda server: _p99_milliseconds(server.url(protocol), body), LATENCY_ROUNDS
    )
    return [
        Row(
            f"REST {protocol}{kind}, p99 at {OFFERED_PER_SECOND} requests/s",
            f"{mine:.1f} ms",
            f"{name}: {times[2]:.1f} ms",
            f"{mine / times[2]:.2f} x",
            "lower",
            mine < times[2],
        )
        for kind, mine in zip(_KINDS, times, strict=False)
    ]


def _in_turns(
    servers: tuple[Running, ...], measure: Callable[[Running], float], rounds: int = ROUNDS
) -> list[float]:
    """The median of each server's figures, taken in turns: noise meets all of them alike."""
    figures: list[list[float]] = [[] for _ in servers]
    for _ in range(rounds):
        for column, server in zip(figures, servers, strict=True):
            column.append(measure(server))
    return [statistics.median(column) for column in figures]


def _memory(protocol: str, name: str, mine: Running, theirs: Running) -> Row:
    sizes = mine.resident_mebibytes(), theirs.resident_mebibytes()
    return Row(
        f"REST {protocol}: resident memory after that",
        f"{sizes[0]:.0f} MiB",
        f"{name}: {sizes[1]:.0f} MiB",
        f"{sizes[0] / sizes[1]:.2f} x",
    )


def _start_seconds(server: Server) -> float:
    def once() -> float:
        with server() as running:
            return running.start_seconds

    return statistics.median(once() for _ in range(ROUNDS))


def _requests_per_second(url: str, script: Path, connections: int) -> float:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "-s", str(script), url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(f"{url} failed under load: {told}")
    return _number(r"Requests/sec:\s+([\d.]+)", told)


def _p99_milliseconds(url: str, body: dict[str, object]) -> float:
    workers = 8
    command = ["hey", "-z", f"{LATENCY_SECONDS}s", "-c", str(workers), "-m", "POST"]
    command += ["-q", str(OFFERED_PER_SECOND // workers), "-T", "application/json"]
    command += ["-d", json.dumps(body), url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "[200]" not in told or "Error distribution" in told:
        raise RuntimeError(f"{url} failed under load: {told}")
    return _number(r"99% in ([\d.]+) secs", told) * 1000


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"the load generator said nothing of {pattern}: {text}")
    return float(found[1])


@contextmanager
def _wrk_script(body: dict[str, object]) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n')
        file.write(f"wrk.body = [==[{json.dumps(body)}]==]\n")
        file.flush()
        yield Path(file.name)
