"""Real units: processes of the model server on a port of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

SOURCES = Path(__file__).parent / "models"


@dataclass
class Unit:
    process: subprocess.Popen[str]
    url: str
    log: Path
    http: urllib3.PoolManager

    def post(self, path: str, body: object, **headers: str) -> urllib3.BaseHTTPResponse:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        sent = {"Content-Type": "application/json"} | headers
        return self.http.request("POST", self.url + path, body=data, headers=sent, timeout=20)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        return self.http.request("GET", self.url + path, timeout=20)

    def predict(self, message: object) -> dict:
        answer = self.post("/predict", message)
        assert answer.status == 200, answer.data
        return answer.json()


def server_environment(**variables: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREDICTIVE", "MODEL"))}
    return {**clean, "PYTHONPATH": str(SOURCES), **variables}


@pytest.fixture
def run_server() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a server that is expected to end by itself."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "seldon_deployer.server", *arguments],
            env=server_environment(**variables),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture(scope="module")
def start_unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Unit]]:
    """Start units on free ports; all of them are stopped in the end."""
    units: list[Unit] = []

    def start(*arguments: str, **variables: str) -> Unit:
        log = tmp_path_factory.mktemp("unit") / "log"
        with log.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "seldon_deployer.server", *arguments, "--http-port", "0"],
                env=server_environment(**variables),
                stderr=subprocess.PIPE,
                stdout=sink,
                text=True,
            )
        assert process.stderr is not None
        for line in process.stderr:
            with log.open("a") as sink:
                sink.write(line)
            if found := re.search(r"listening on (http://\S+)", line):
                unit = Unit(process, found[1], log, urllib3.PoolManager(retries=False))
                units.append(unit)
                return unit
        raise AssertionError(log.read_text())

    yield start
    for unit in units:
        unit.http.clear()
        unit.process.terminate()
        unit.process.wait(30)
        assert unit.process.stderr is not None
        unit.process.stderr.close()
