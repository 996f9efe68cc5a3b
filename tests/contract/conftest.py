"""Two ends for one contract: the embedded API and a real kube-apiserver."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from apiserver.harness import End, Unavailable, find_kubectl, is_required, run_apiserver
from client import SDEPS, Client
from ends import install_crd, run_embedded
from kubectl import Kubectl
from scripted_operator import ScriptedOperator

from seldon_deployer import Deployer
from seldon_deployer.cluster import Cluster, connect
from seldon_deployer.deployer.end import End as DeployerEnd


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


@pytest.fixture(scope="session")
def strict_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    """A real API server that refuses pods whose service account is not there."""
    with _real(tmp_path_factory.mktemp("strict"), checks_accounts=True) as end:
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
def sdeps(fresh_namespace: str) -> str:
    """The path of the SeldonDeployments of a new namespace."""
    return SDEPS.format(fresh_namespace)


@pytest.fixture
def cluster(end: End, fresh_namespace: str) -> Iterator[Cluster]:
    """Our own client, in a new namespace of the end."""
    opened = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    yield opened
    opened.close()


@pytest.fixture
def operator(end: End, fresh_namespace: str) -> Iterator[ScriptedOperator]:
    """Somebody who does the operator's work there."""
    own = connect(kubeconfig=end.kubeconfig, namespace=fresh_namespace)
    with ScriptedOperator(own) as playing:
        yield playing


@pytest.fixture
def deployer(cluster: Cluster) -> Deployer:
    """Deploys there, to a cluster whose ingress nobody named, without a look into stores."""
    return Deployer(DeployerEnd(cluster, is_local=False, base_url=None), preflight="off")


@pytest.fixture
def kubectl(end: End, fresh_namespace: str, tmp_path: Path) -> Kubectl:
    """The real kubectl in a fresh namespace of the end."""
    try:
        path = find_kubectl()
    except Unavailable as missing:
        return _missing(missing)
    return Kubectl(path, end.kubeconfig, fresh_namespace, tmp_path)


@contextmanager
def _real(folder: Path, *, checks_accounts: bool = False) -> Iterator[End]:
    try:
        running = run_apiserver(folder, checks_accounts=checks_accounts)
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
