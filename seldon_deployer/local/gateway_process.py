"""The gateway as a process.

`python -m seldon_deployer.local.gateway_process --home FOLDER --socket FD --ready FD`, started by
`lifecycle`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from seldon_deployer.local.follow import follow_control
from seldon_deployer.local.gateway import Gateway
from seldon_deployer.local.gateway_protocols import OnFirstUse, protocol_by_preface
from seldon_deployer.local.home import hold_lock, wait_lost
from seldon_deployer.local.process import ProcessId
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.serving import Server, take_socket, tell_ready
from seldon_deployer.local.upstream import Upstream


def main(arguments: list[str]) -> int:
    """Run until SIGTERM; requests in flight are answered."""
    parser = argparse.ArgumentParser(prog="seldon_deployer.local.gateway_process")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    lock = given.home / "gateway.lock"
    with hold_lock(lock, wait=True), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        lock.write_text(str(ProcessId.current()))
        runner.run(_serve(given.home, given.socket, given.ready))
    return 0


async def _serve(home: Path, descriptor: int, ready: int) -> None:
    upstream = Upstream()
    routes = Routes(lambda port: _forget(port, upstream, rpc))
    synced = asyncio.Event()
    gateway = Gateway(routes, upstream, synced)
    rpc = OnFirstUse(routes, gateway.wait_until_synced)
    server = Server(
        gateway, on_ready=lambda: tell_ready(ready), http=protocol_by_preface(rpc.connection)
    )
    following = asyncio.create_task(follow_control(home, routes, synced))
    serving = asyncio.create_task(server.serve(sockets=[take_socket(descriptor)]))
    lost = asyncio.create_task(wait_lost(home / "gateway.lock"))
    try:
        await asyncio.wait([serving, lost], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        lost.cancel()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        upstream.close()
        await rpc.stop()


def _forget(port: int, upstream: Upstream, rpc: OnFirstUse) -> None:
    upstream.forget(port)
    rpc.forget(port)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
