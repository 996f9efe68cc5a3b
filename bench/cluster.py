"""What a deploy costs on a real Kubernetes API server: requests, and the time to notice.

The API server is the one of the contract tests, and so is the part of Seldon's operator: it writes
the Deployment's and the SeldonDeployment's status as the real one does.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.measure import Row, milliseconds, spread

ROUNDS = 20
_TESTS = Path(__file__).resolve().parents[1] / "tests"
_TRANSPORT = "seldon_deployer.cluster.transport"


def run() -> list[Row]:
    """Deploy `ROUNDS` models one after the other; [] with a word on stderr without the server."""
    sys.path[:0] = [str(_TESTS), str(_TESTS / "contract")]
    from apiserver.harness import Unavailable, run_apiserver
    from ends import install_crd

    with tempfile.TemporaryDirectory() as folder:
        try:
            with run_apiserver(Path(folder)) as end:
                install_crd(end)
                return _measure(end)
        except Unavailable as missing:
            print(f"left out: {missing}", file=sys.stderr)
            return []


def _measure(end: Any) -> list[Row]:
    from scripted_operator import ScriptedOperator

    from seldon_deployer import Deployer, DeploymentConfig
    from seldon_deployer.cluster import connect

    class TimedOperator(ScriptedOperator):
        """Notes when it begins to write that a model is available."""

        said = 0.0

        def write_state(self, live: Any, state: str) -> None:
            self.said = time.perf_counter()
            super().write_state(live, state)

    requests = _CountRequests()
    transport = logging.getLogger(_TRANSPORT)
    transport.setLevel(logging.DEBUG)
    transport.addHandler(requests)
    delays, counts = [], []
    deployer = Deployer.connect(
        runtime="cluster",
        kubeconfig=end.kubeconfig,
        namespace="default",
        base_url=None,
        # There is no store behind the models; what a look into one costs is the store's.
        preflight="off",
    )
    with TimedOperator(connect(kubeconfig=end.kubeconfig, namespace="default")) as operator:
        for number in range(ROUNDS):
            requests.clear()
            config = DeploymentConfig(
                model_name=f"model-{number}",
                model_uri="s3://models/iris",
                implementation="SKLEARN_SERVER",
            )
            deployer.deploy(config, timeout_seconds=60)
            delays.append(time.perf_counter() - operator.said)
            counts.append(dict(requests.kinds))
    transport.removeHandler(requests)
    most = max(each.get("request", 0) for each in counts)
    watches = max(each.get("watch", 0) for each in counts)
    return [
        Row(
            "API requests of a first deploy",
            f"{most} and {watches} watches",
            aim="at most 10 and 2",
            is_met=most <= 10 and watches <= 2,
        ),
        Row(
            "status written to deploy() returning",
            spread(delays),
            difference=f"worst {milliseconds(max(delays))}",
            aim="under 50 ms",
            is_met=sorted(delays)[len(delays) // 2] < 0.050,
        ),
    ]


class _CountRequests(logging.Handler):
    """Counts what the transport logs: one line a request. The operator's own are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread().name != "operator":
            self.kinds["watch" if "watch=true" in record.getMessage() else "request"] += 1

    def clear(self) -> None:
        """Begin a new count."""
        self.kinds.clear()
