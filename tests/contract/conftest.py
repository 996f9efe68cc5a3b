"""Two ends for one contract: the embedded API and a real kube-apiserver."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
import yaml
from apiserver.harness import End, Unavailable, find_kubectl, is_required, run_apiserver
from client import Client
from kubectl import Kubectl

from seldon_deployer.local.api import Api
from seldon_deployer.local.http import create_app
from seldon_deployer.local.kubeconfig import kubeconfig
from seldon_deployer.local.store import Store
from seldon_deployer.manifest.crd import build_crd

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CRD = f"{_CRDS}/seldondeployments.machinelearning.seldon.io"
_UPSTREAM = Path(__file__).parents[2].parent / "shared/crd/seldondeployments-v1.17.1.yaml"


@pytest.fixture(scope="session")
def embedded_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    """The embedded API on a free port."""
    with run_embedded(tmp_path_factory.mktemp("embedded")) as end:
        yield end


@pytest.fixture(scope="session")
def real_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    """A real API server with the SeldonDeployment CRD."""
    with _real(tmp_path_factory.mktemp("real")) as end:
        install_crd(end)
        yield end


@pytest.fixture(scope="session")
def bare_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    """A real API server without the CRD."""
    with _real(tmp_path_factory.mktemp("bare")) as end:
        yield end


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.cluster)])
def end(request: pytest.FixtureRequest) -> End:
    """Each of both ends; a test that uses it states the contract."""
    found: End = request.getfixturevalue(f"{request.param}_end")
    return found


@pytest.fixture
def client(end: End) -> Iterator[Client]:
    """A bare HTTP client of the end."""
    opened = Client(end)
    yield opened
    opened.close()


@pytest.fixture
def fresh_namespace(client: Client) -> str:
    """The name of a new, empty namespace."""
    name = f"t-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    answer = client.post("/api/v1/namespaces", body)
    assert answer.status == 201, answer
    return name


@pytest.fixture
def kubectl(end: End, fresh_namespace: str, tmp_path: Path) -> Kubectl:
    """The real kubectl in a fresh namespace of the end."""
    try:
        path = find_kubectl()
    except Unavailable as missing:
        return _missing(missing)
    return Kubectl(path, end.kubeconfig, fresh_namespace, tmp_path)


@contextmanager
def run_embedded(folder: Path) -> Iterator[End]:
    """Serve the embedded API from a thread; logs lie in FOLDER/logs/NAMESPACE/POD/CONTAINER."""
    token = secrets.token_hex(16)
    ready: threading.Event = threading.Event()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def log_path(namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        name = f"{container}.previous" if previous else container
        return folder / "logs" / namespace / pod / name

    async def serve(listener: socket.socket) -> None:
        store = Store(folder / "state.db")
        app = create_app(Api(store), token=token, log_path=log_path)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
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


@contextmanager
def _real(folder: Path) -> Iterator[End]:
    try:
        running = run_apiserver(folder)
        end = running.__enter__()
    except Unavailable as missing:
        _missing(missing)
        return
    try:
        yield end
    finally:
        running.__exit__(None, None, None)


def _missing(missing: Unavailable) -> None:  # type: ignore[return]
    if is_required():
        pytest.fail(str(missing))
    pytest.skip(str(missing))
