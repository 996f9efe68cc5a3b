"""Units of the model server for tests: real processes on ports of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3


@dataclass
class Unit:
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    http: urllib3.PoolManager

    def post(self, path: str, body: object, **headers: str) -> urllib3.BaseHTTPResponse:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        sent = {"Content-Type": "application/json"} | headers
        return self.http.request("POST", self.url + path, body=data, headers=sent, timeout=60)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        return self.http.request("GET", self.url + path, timeout=20)

    def predict(self, message: object) -> dict[str, Any]:
        answer = self.post("/predict", message)
        assert answer.status == 200, answer.data
        return answer.json()

    def infer(self, request: object) -> list[dict[str, Any]]:
        """The outputs of a V2 answer."""
        answer = self.post("/v2/models/infer", request)
        assert answer.status == 200, answer.data
        return answer.json()["outputs"]


def server_environment(code: Path | None = None, **variables: str) -> dict[str, str]:
    """The environment of a unit: this one without what is said of other units."""
    others = ("PREDICTIVE", "MODEL", "OMP_")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    paths = {"PYTHONPATH": str(code)} if code else {}
    return {**clean, **paths, **variables}


def run_server(
    *arguments: str, code: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "seldon_deployer.server", *arguments],
        env=server_environment(code, **variables),
        capture_output=True,
        text=True,
        timeout=120,
    )


@contextmanager
def unit_starter(
    make_folder: Callable[[], Path], code: Path | None = None
) -> Iterator[Callable[..., Unit]]:
    """Start units on free ports; all of them are stopped in the end."""
    units: list[Unit] = []

    def start(*arguments: str, **variables: str) -> Unit:
        log = make_folder() / "log"
        with log.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "seldon_deployer.server", *arguments, "--http-port", "0"],
                env=server_environment(code, **variables),
                stdout=sink,
                # Into a file, not a pipe: nobody would read it while the unit writes on.
                stderr=subprocess.STDOUT,
            )
        unit = Unit(process, "", log, urllib3.PoolManager(retries=False))
        units.append(unit)
        while not (found := re.search(r"listening on (http://\S+)\n", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        unit.url = found[1]
        return unit

    try:
        yield start
    finally:
        stop(*units)


def stop(*units: Unit) -> None:
    """End units that have not ended already, all at once."""
    for unit in units:
        unit.http.clear()
        unit.process.terminate()
    for unit in units:
        unit.process.wait(30)


def parameters(**values: object) -> dict[str, str]:
    """Parameters as the operator gives them to a unit."""
    kinds = {bool: "BOOL", int: "INT", float: "FLOAT"}
    listed = [
        {"name": name, "value": str(value), "type": kinds.get(type(value), "STRING")}
        for name, value in values.items()
    ]
    return {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(listed)}
