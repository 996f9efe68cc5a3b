"""The two ends: the embedded API in a thread, and the CRD for the real server."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from apiserver.harness import End
from client import Client

from seldon_deployer.local.api import Api
from seldon_deployer.local.http import create_app
from seldon_deployer.local.kubeconfig import kubeconfig
from seldon_deployer.local.objects import Resource
from seldon_deployer.local.store import Store
from seldon_deployer.manifest.crd import build_crd

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CRD = f"{_CRDS}/seldondeployments.machinelearning.seldon.io"
_UPSTREAM = Path(__file__).parents[2].parent / "shared/crd/seldondeployments-v1.17.1.yaml"


@contextmanager
def run_embedded(folder: Path, *, has_admission: bool = True) -> Iterator[End]:
    """Serve the embedded API from a thread; logs lie in FOLDER/logs/NAMESPACE/POD/CONTAINER.

    A real API server has no Seldon webhook: `has_admission=False` is its equal.
    """
    token = secrets.token_hex(16)
    ready: threading.Event = threading.Event()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def log_path(namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        name = f"{container}.previous" if previous else container
        return folder / "logs" / namespace / pod / name

    async def serve(listener: socket.socket) -> None:
        store = Store(folder / "state.db")
        api = Api(store) if has_admission else Api(store, admission=_admit_all)
        app = create_app(api, token=token, log_path=log_path)
        settings = uvicorn.Config(
            app, lifespan="off", log_level="warning", timeout_graceful_shutdown=10
        )
        server = uvicorn.Server(settings)
        stop = asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        ready.set()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await stop.wait()
        app.state.stopping.set()
        server.should_exit = True
        await serving
        store.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        # asyncio sets this only where a socket names its protocol; else each answer takes 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(serve(listener)))
        thread.start()
        ready.wait()
        try:
            path = folder / "kubeconfig"
            path.write_text(kubeconfig(port, token))
            path.chmod(0o600)
            yield End("embedded", f"http://127.0.0.1:{port}", path, token)
        finally:
            loop, stop = stops[0]
            loop.call_soon_threadsafe(stop.set)
            thread.join()


def _admit_all(resource: Resource, obj: dict[str, Any]) -> None:
    """What a cluster without Seldon's webhook says."""


def install_crd(end: End) -> None:
    """Install the upstream CRD where it is at hand, else ours; returns when it is served."""
    client = Client(end)
    has_upstream = _UPSTREAM.exists()
    crd = yaml.load(_UPSTREAM.read_bytes(), yaml.CSafeLoader) if has_upstream else build_crd()
    answer = client.post(_CRDS, crd)
    assert answer.status in (201, 409), answer
    name = "metadata.name=seldondeployments.machinelearning.seldon.io"
    with client.watch(_CRDS, fieldSelector=name, timeoutSeconds="60") as events:
        for event in events:
            conditions = event["object"].get("status", {}).get("conditions") or []
            if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
                break
    # Established is said a moment before every path is served.
    path = "/apis/machinelearning.seldon.io/v1/namespaces/default/seldondeployments"
    while client.get(path).status == 404:
        assert client.get(_CRD).status == 200
    client.close()
