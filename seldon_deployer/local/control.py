"""The control process: the embedded Kubernetes API and its controllers in one event loop.

`python -m seldon_deployer.local.control --home FOLDER --socket FD --ready FD`, started by
`lifecycle`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import shutil
import sys
import threading
from pathlib import Path

from seldon_deployer.local.api import Api
from seldon_deployer.local.controller import Controllers
from seldon_deployer.local.home import hold_lock, read_runtime, wait_lost
from seldon_deployer.local.http import create_app
from seldon_deployer.local.keeper import keep_gateway
from seldon_deployer.local.objects import PODS
from seldon_deployer.local.pod_runner import is_running
from seldon_deployer.local.pods import PodRuntime
from seldon_deployer.local.process import ProcessId, end_recorded
from seldon_deployer.local.rotation import keep_logs_small
from seldon_deployer.local.serving import Server, take_socket, tell_ready
from seldon_deployer.local.store import Store

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Run until SIGTERM; then every unit has ended too."""
    parser = argparse.ArgumentParser(prog="seldon_deployer.local.control")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    lock = given.home / "control.lock"
    with hold_lock(lock, wait=True):
        lock.write_text(str(ProcessId.current()))
        asyncio.run(_serve(given.home, given.socket, given.ready))
    return 0


async def _serve(home: Path, descriptor: int, ready: int) -> None:
    runtime = read_runtime(home)
    if runtime is None:
        raise SystemExit("no runtime.json: control is started by `seldon-deployer local start`")
    store = Store(home / "cluster.db")
    api = Api(store)
    _forget_lost_pods(api, home / "pods")
    pods = PodRuntime(api, home / "pods")
    app = create_app(api, token=runtime.token, log_path=pods.log_path)
    ending = threading.Event()

    def stop() -> None:
        ending.set()
        app.state.stopping.set()

    server = Server(app, on_ready=lambda: tell_ready(ready), on_stop=stop)
    keep_gateway(home, ending)
    controllers = asyncio.create_task(Controllers(api, pods).run())
    serving = asyncio.create_task(server.serve(sockets=[take_socket(descriptor)]))
    # Nobody could find or end the units of a home that is gone.
    lost = asyncio.create_task(wait_lost(home / "control.lock"))
    logs = asyncio.create_task(keep_logs_small(home))
    try:
        # Controllers never end by themselves: if they do, it is a defect that must be seen.
        await asyncio.wait([controllers, serving, lost], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        lost.cancel()
        logs.cancel()
        if not controllers.cancelled():
            controllers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await controllers
        await pods.stop()
        store.close()


def _forget_lost_pods(api: Api, folder: Path) -> None:
    """Remove pods of an earlier life that do not run any more, in object and in folder.

    Those that run are adopted; Deployments start new ones for the others.
    """
    pods, _ = api.list(PODS)
    adopted = set()
    for pod in pods:
        metadata = pod["metadata"]
        if is_running(folder / metadata["uid"], pod):
            adopted.add(metadata["uid"])
        else:
            api.delete(PODS, metadata["namespace"], metadata["name"], grace_period_seconds=0)
    for old in folder.iterdir():
        if old.name not in adopted:
            end_recorded(old)
            shutil.rmtree(old)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
