"""Run kube-apiserver and etcd from a folder of binaries, as envtest lays them out."""

from __future__ import annotations

import secrets
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import yaml
from ending import end

_START_SECONDS = 60


@contextmanager
def start_assets(
    assets: Path, folder: Path, *, checks_accounts: bool
) -> Iterator[tuple[str, Path, str]]:
    """Run both on loopback; yields the server's URL, its kubeconfig and an admin token."""
    etcd_port, peer_port, api_port = _free_port(), _free_port(), _free_port()
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    key = folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    server, etcd = f"https://127.0.0.1:{api_port}", f"http://127.0.0.1:{etcd_port}"
    with (
        _process(
            [
                assets / "etcd",
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
                "--unsafe-no-fsync",
            ],
            folder / "etcd.log",
        ),
        _process(
            [
                assets / "kube-apiserver",
                f"--etcd-servers={etcd}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={api_port}",
                f"--cert-dir={folder}",
                f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.96.0.0/16",
                *([] if checks_accounts else ["--disable-admission-plugins=ServiceAccount"]),
            ],
            folder / "apiserver.log",
        ) as process,
    ):
        _wait_ready(server, token, process, folder)
        yield server, _write_kubeconfig(folder, server, token), token


@contextmanager
def _process(arguments: list[object], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, arguments)), stdout=output, stderr=output)
        try:
            yield process
        finally:
            end(process)


def _wait_ready(server: str, token: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    # The server makes its own certificate while it starts.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(
        f"{server}/readyz", headers={"Authorization": f"Bearer {token}"}
    )
    end = monotonic() + _START_SECONDS
    while monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=2, context=context):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            # Waits for the process to end, which it should not.
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    last = (folder / "apiserver.log").read_text(errors="replace").splitlines()[-5:]
    raise RuntimeError("kube-apiserver did not start: " + "\n".join(last))


def _write_kubeconfig(folder: Path, server: str, token: str) -> Path:
    cluster = {"server": server, "certificate-authority": str(folder / "apiserver.crt")}
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "admin",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "admin", "user": {"token": token}}],
                "contexts": [{"name": "admin", "context": {"cluster": "test", "user": "admin"}}],
            }
        )
    )
    path.chmod(0o600)
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
