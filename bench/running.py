"""Model servers under measurement: start one, wait until it answers, end it with all it started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import urllib3

from bench.peers import MLSERVER, SELDON_CORE

BENCH = Path(__file__).parent
SKLEARN_CLASS = "seldon_deployer.server.sklearn.SKLearnServer"
_START_SECONDS = 60.0
SELDON_BODY = {"data": {"ndarray": [[5.1, 3.5, 1.4, 0.2]]}}
V2_BODY = {
    "inputs": [
        {"name": "predict", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
    ],
    # MLServer predicts labels unless it is asked for more.
    "outputs": [{"name": "predict_proba"}],
}


@dataclass(frozen=True)
class Running:
    """A server that answers: its process, where it is asked, and how long its start took."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    start_seconds: float

    def url(self, protocol: str) -> str:
        """Where predictions are asked for in that protocol."""
        path = "v2/models/iris/infer" if protocol == "v2" else "predict"
        return f"http://127.0.0.1:{self.port}/{path}"

    def resident_mebibytes(self) -> float:
        """Resident memory of the server and all its processes."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        return sum(each.memory_info().rss for each in family) / 2**20


@contextmanager
def ours(served: str = "iris_unit.Iris", **environment: str) -> Iterator[Running]:
    """Our server with the iris class, or with another one."""
    port, grpc_port, metrics_port = _free_ports(3)
    command = [sys.executable, "-m", "seldon_deployer", "serve", served]
    wanted = {
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(grpc_port),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(metrics_port),
        "PREDICTIVE_UNIT_ID": "iris",
        **environment,
    }
    with _serving(command, wanted, port, grpc_port) as running:
        yield running


@contextmanager
def ours_prepackaged(**asked: float) -> Iterator[Running]:
    """Our server for scikit-learn's files, as a prepackaged server is run; with parameters."""
    with tempfile.TemporaryDirectory() as name:
        _save_model(Path(name) / "model.joblib")
        parameters = json.dumps({"model_uri": name, **asked})
        with ours(SKLEARN_CLASS, PREDICTIVE_UNIT_PARAMETERS=parameters) as running:
            yield running


@contextmanager
def seldon_core(served: str = "iris_unit.Iris", **environment: str) -> Iterator[Running]:
    """seldon-core's Python server with the same class: one worker, as it comes."""
    port, grpc_port, metrics_port = _free_ports(3)
    command = [str(SELDON_CORE.executable()), served, "--service-type", "MODEL"]
    command += ["--http-port", str(port), "--grpc-port", str(grpc_port)]
    command += ["--metrics-port", str(metrics_port)]
    wanted = {"PREDICTIVE_UNIT_ID": "iris", **environment}
    with _serving(command, wanted, port, grpc_port) as running:
        yield running


@contextmanager
def mlserver() -> Iterator[Running]:
    """MLServer with its scikit-learn runtime, in one process."""
    port, grpc_port, metrics_port = _free_ports(3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save_model(folder / "model.joblib")
        settings = {
            "host": "127.0.0.1",
            "http_port": port,
            "grpc_port": grpc_port,
            "metrics_port": metrics_port,
            "parallel_workers": 0,
            "debug": False,
        }
        model = {
            "name": "iris",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": str(folder / "model.joblib")},
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "model-settings.json").write_text(json.dumps(model))
        command = [str(MLSERVER.executable()), "start", str(folder)]
        with _serving(command, {}, port, grpc_port, "/v2/models/iris/ready") as running:
            yield running


@contextmanager
def _serving(
    command: list[str],
    environment: Mapping[str, str],
    port: int,
    grpc_port: int,
    ready: str = "/health/status",
) -> Iterator[Running]:
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=BENCH,
        env={**os.environ, "PYTHONPATH": f"{BENCH}:{BENCH.parent}", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}")
        yield Running(process, port, grpc_port, time.perf_counter() - started)
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        with suppress(urllib3.exceptions.HTTPError):
            if urllib3.request("GET", url, retries=False, timeout=1).status == 200:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args} did not answer in {_START_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started: seldon-core's server leaves its children behind."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.kill()
    process.wait()


def _save_model(path: Path) -> None:
    import joblib

    from bench.iris_unit import Iris

    unit = Iris()
    unit.load()
    joblib.dump(unit.model, path)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
