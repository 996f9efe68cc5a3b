"""The page that Prometheus reads: a port and a path of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

from seldon_deployer.server.metrics import HELP, Labels, Snapshot, bounds_of
from seldon_deployer.server.request import Receive, Scope, Send

if TYPE_CHECKING:
    from prometheus_client.core import Metric

logger = logging.getLogger(__name__)

Read = Callable[[], Snapshot]


class MetricsPage:
    """Answers `GET path` with all numbers, in the form that is asked for (text, or OpenMetrics)."""

    def __init__(self, path: str, read: Read, labels: Mapping[str, str]) -> None:
        self.path = path
        self._read = read
        self._labels = dict(labels)

    def collect(self) -> Iterator[Metric]:
        """The numbers as the Prometheus library wants them."""
        from prometheus_client.core import Metric

        families: dict[tuple[str, str], Metric] = {}
        for (kind, name, own), values in self._read().items():
            stem = name.removesuffix("_total") if kind == "counter" else name
            family = families.get((kind, stem))
            if family is None:
                family = families[kind, stem] = Metric(stem, HELP.get(stem, ""), kind)
            labels = self._labels | dict(own)
            match kind:
                case "counter":
                    family.add_sample(f"{stem}_total", labels, values[0])
                case "gauge":
                    family.add_sample(stem, labels, values[0])
                case "histogram":
                    _add_histogram(family, stem, labels, values)
        yield from families.values()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body = 404, "text/plain; charset=utf-8", b"not found\n"
        if scope["path"] == self.path and scope["method"] in ("GET", "HEAD"):
            from prometheus_client.exposition import choose_encoder

            accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
            write, kind = choose_encoder(accepted)
            status, body = 200, write(self)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _add_histogram(family: Metric, name: str, labels: dict[str, str], values: list[float]) -> None:
    bounds = [*(str(float(bound)) for bound in bounds_of(name)), "+Inf"]
    for bound, count in zip(bounds, accumulate(values[1:]), strict=True):
        family.add_sample(f"{name}_bucket", labels | {"le": bound}, count)
    family.add_sample(f"{name}_count", labels, sum(values[1:]))
    family.add_sample(f"{name}_sum", labels, values[0])


def bind_metrics(host: str, port: int) -> socket.socket | None:
    """Take the port; None, with a warning, where it is busy: a unit serves without it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Two may bind before either listens: whose port it is shows here, not later.
        bound.listen()
    except OSError as error:
        bound.close()
        logger.warning("no metrics: cannot listen on %s:%d: %s", host, port, error.strerror)
        return None
    return bound


async def serve_metrics(bound: socket.socket, page: MetricsPage) -> asyncio.Server | None:
    """Answer on that port until the server is closed; None where the library is missing."""
    try:
        import prometheus_client  # noqa: F401 - asked whether it is there, before the first reader
    except ModuleNotFoundError:
        logger.warning("no metrics: pip install 'seldon-deployer[server]' brings prometheus-client")
        return None
    config = uvicorn.Config(page, lifespan="off", ws="none", log_config=None, access_log=False)
    config.load()
    protocol: Any = config.http_protocol_class
    made = partial(
        protocol,
        config=config,
        server_state=ServerState(),
        app_state={},
    )
    host, port = bound.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(made, sock=bound)
    logger.info("metrics on http://%s:%d%s", host, port, page.path)
    return server


def read_labels(environment: Mapping[str, str]) -> Labels:
    """The labels of every number: which deployment, predictor and model this is.

    Source: Seldon Core v1.17.1, Python wrapper, observed.
    """
    image, _, version = environment.get("PREDICTIVE_UNIT_IMAGE", "").rpartition(":")
    if "/" in version or not image:
        image, version = environment.get("PREDICTIVE_UNIT_IMAGE", ""), ""
    labels: Any = {}
    with suppress(json.JSONDecodeError):
        labels = json.loads(environment.get("PREDICTOR_LABELS", "{}"))
    predictor_version = labels.get("version", "") if isinstance(labels, dict) else ""
    deployment = environment.get("SELDON_DEPLOYMENT_ID", "")
    return (
        ("deployment_name", deployment),
        ("image_name", image),
        ("image_version", version),
        ("model_image", image),
        ("model_name", environment.get("PREDICTIVE_UNIT_ID", "")),
        ("model_version", version),
        ("predictor_name", environment.get("PREDICTOR_ID", "")),
        ("predictor_version", str(predictor_version)),
        ("seldon_deployment_name", deployment),
    )
