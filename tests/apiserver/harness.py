"""Start a real kube-apiserver for tests, and find kubectl.

The server is built once from Go modules (see Makefile); where KUBEBUILDER_ASSETS names a folder
with kube-apiserver and etcd, those run instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ending import await_end

from apiserver.assets import start_assets

_HERE = Path(__file__).parent
_REQUIRE = "SELDON_DEPLOYER_REQUIRE_APISERVER"


@dataclass(frozen=True)
class End:
    """One Kubernetes API to test against; `ca` is None where it speaks plain HTTP."""

    name: str
    server: str
    kubeconfig: Path
    token: str
    ca: Path | None = None


class Unavailable(Exception):
    """There is neither a Go that can build it nor a folder of binaries; says why."""


def is_required() -> bool:
    """Whether a missing server is a failure, as in CI."""
    return os.environ.get(_REQUIRE, "") not in ("", "0")


def find_kubectl() -> str:
    """The kubectl to test with. Raises Unavailable."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / "kubectl").exists():
        return str(Path(assets) / "kubectl")
    try:
        return str(_built() / "kubectl")
    except Unavailable:
        found = shutil.which("kubectl")
        if found is None:
            raise
        return found


@contextmanager
def run_apiserver(folder: Path, *, checks_accounts: bool = False) -> Iterator[End]:
    """Run a real API server with its data in `folder`. Raises Unavailable.

    checks_accounts: refuse pods whose service account is not there, `default` too, which no
    controller makes here.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        if shutil.which("openssl") is None:
            raise Unavailable("no real API server: KUBEBUILDER_ASSETS needs openssl for a key")
        with start_assets(Path(assets), folder, checks_accounts=checks_accounts) as started:
            server, kubeconfig, token = started
            yield End("real", server, kubeconfig, token, _ca_file(folder))
        return
    with (
        (folder / "stderr.log").open("wb") as stderr,
        subprocess.Popen(
            [
                _built() / "testapiserver",
                "-dir",
                folder,
                f"-accounts={str(checks_accounts).lower()}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        # It ends when its standard input does, however this process ends.
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            last = (folder / "stderr.log").read_text(errors="replace").splitlines()[-5:]
            raise RuntimeError("the test API server did not start: " + "\n".join(last))
        told = json.loads(line)
        try:
            yield End(
                "real",
                told["server"],
                Path(told["kubeconfig"]),
                told["token"],
                Path(told["ca"]),
            )
        finally:
            process.stdin.close()
            await_end(process)


def _ca_file(folder: Path) -> Path:
    return folder / "apiserver.crt"


def _built() -> Path:
    """The folder of the built binaries; builds them the first time."""
    if shutil.which("go") is None or shutil.which("make") is None:
        raise Unavailable(
            "no real API server: install Go 1.24 or newer and make, or set KUBEBUILDER_ASSETS to a "
            "folder with kube-apiserver and etcd (setup-envtest fetches one)"
        )
    made = subprocess.run(["make", "-s", "-C", _HERE], capture_output=True, text=True, check=False)
    if made.returncode:
        # Go too old, or no way to its modules: for a user that is no reason to fail.
        raise Unavailable(f"no real API server: it cannot be built here:\n{made.stderr}")
    return Path(made.stdout.strip())
