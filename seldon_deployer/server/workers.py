"""Several worker processes behind one listening socket, and whoever dies replaced.

This process loads no model. It accepts each connection and hands it to the worker with the fewest:
with a socket that all of them accept from, one takes what comes at once and the others are idle.
Workers are fresh processes, not forks: libraries of models do not survive a fork.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from seldon_deployer.server.listening import stop_connecting
from seldon_deployer.server.metrics import Snapshot, from_lists, merge
from seldon_deployer.server.metrics_page import (
    MetricsPage,
    bind_metrics,
    read_labels,
    serve_metrics,
)
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.worker import LINK_VARIABLE

logger = logging.getLogger(__name__)

_BACKLOG = 2048
# Before a worker is started again: at once, and longer for each one in a row that never was ready.
_PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# Beyond what a worker gives to its requests, until it is killed.
_GRACE_SECONDS = 1.5
# A line of numbers: the user's class may have many of its own.
_LINE_BYTES = 16 * 2**20


@dataclass(eq=False)
class Worker:
    """One process, as the supervisor sees it."""

    process: asyncio.subprocess.Process
    link: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    open_connections: int = 0
    snapshot: Snapshot = field(default_factory=dict)
    # It is to end, or has said that it takes no more.
    is_leaving: bool = False

    @property
    def takes(self) -> bool:
        """Whether connections can be handed to it."""
        return self.ready.is_set() and self.link.fileno() >= 0

    def end(self) -> None:
        """Tell it to drain."""
        self.is_leaving = True
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)


class Supervisor:
    """Runs the workers of one unit until it is told to end."""

    def __init__(
        self, settings: Settings, arguments: Sequence[str], listener: socket.socket
    ) -> None:
        self._settings = settings
        self._command = [sys.executable, "-m", "seldon_deployer.server", *arguments]
        self._listener = listener
        self._workers: list[Worker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        # The numbers of workers that are gone.
        self._past: Snapshot = {}
        self._is_listening = self._is_ending = False
        self._end = asyncio.Event()
        self._exit_code = 0
        self._failures = 0

    async def run(self) -> int:
        """Start the workers, serve, drain them; returns the exit code.

        The first worker tries the load: when it fails, all ends with its exit code, and its reason
        is the last line on stderr.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        metrics = await self._serve_metrics()
        self._keep()
        await self._end.wait()
        for task in self._tasks:
            task.cancel()
        self._stop_listening()
        if metrics is not None:
            metrics.close()
        return self._exit_code

    def _keep(self, replaces: Worker | None = None) -> None:
        """Have one more worker, until the supervisor ends."""
        task = asyncio.get_running_loop().create_task(self._keep_one(replaces))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_one(self, replaces: Worker | None) -> None:
        while not self._is_ending:
            worker = await self._start()
            if self._is_ending:
                # Whoever told the others to end did not know this one.
                worker.end()
            told = asyncio.get_running_loop().create_task(self._listen_to(worker, replaces))
            code = await worker.process.wait()
            await told
            self._forget(worker)
            if self._is_ending or worker.is_leaving:
                break
            if worker.ready.is_set():
                logger.error("worker %d has died (%s)", worker.process.pid, _describe(code))
                self._failures = 0
            elif not any(each.takes for each in self._workers):
                # No worker serves, and a new one cannot load: the reason stands above.
                self._exit_code = code if code > 0 else 1
                self._end_all()
                break
            else:
                self._failures += 1
            pause = _PAUSES_SECONDS[min(self._failures, len(_PAUSES_SECONDS) - 1)]
            await asyncio.sleep(pause)
        if self._is_ending and not self._workers:
            self._end.set()

    async def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        heard, told = socket.socketpair()
        with theirs, told:
            descriptors = (theirs.fileno(), told.fileno())
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, LINK_VARIABLE: ",".join(map(str, descriptors))},
                pass_fds=descriptors,
            )
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=heard, limit=_LINE_BYTES)
        worker = Worker(process, ours, reader, writer)
        self._workers.append(worker)
        return worker

    async def _listen_to(self, worker: Worker, replaces: Worker | None) -> None:
        """Hear what a worker says until it ends."""
        while line := await worker.reader.readline():
            message: Mapping[str, object] = json.loads(line)
            self._hear(worker, message, replaces)

    def _hear(self, worker: Worker, message: Mapping[str, object], replaces: Worker | None) -> None:
        match message:
            case {"ready": _}:
                worker.ready.set()
                self._failures = 0
                if replaces is not None:
                    replaces.end()
                self._start_listening()
            case {"closed": int(count)}:
                worker.open_connections -= count
            case {"metrics": list(given)}:
                worker.snapshot = from_lists(given)
            case {"retiring": _} if not self._is_ending:
                logger.info("worker %d has answered its last requests", worker.process.pid)
                self._keep(replaces=worker)
            case {"closing": _}:
                worker.is_leaving = True
                others = [each for each in self._workers if each.takes and each is not worker]
                if self._is_ending and not others:
                    # The last one: who has connected by now is still served.
                    if self._is_listening:
                        stop_connecting(self._listener)
                    self._accept()
                    self._stop_listening()
                # What was handed before is still read.
                worker.link.close()

    def _forget(self, worker: Worker) -> None:
        worker.link.close()
        worker.writer.close()
        self._workers.remove(worker)
        kept = {
            series: values for series, values in worker.snapshot.items() if series[0] != "gauge"
        }
        self._past = merge([("", self._past), ("", kept)])

    def _start_listening(self) -> None:
        if self._is_listening or self._is_ending:
            return
        self._is_listening = True
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)
        logger.info("listening on http://%s:%d", *self._listener.getsockname()[:2])
        for _ in range(self._settings.workers - 1):
            self._keep()

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                connection, _address = self._listener.accept()
            except (InterruptedError, ConnectionError):
                continue
            except OSError:
                # None is waiting; or none can be taken just now, for want of descriptors.
                return
            with connection:
                self._hand(connection)

    def _hand(self, connection: socket.socket) -> None:
        """Give a connection to the worker with the fewest; one that cannot take it is passed."""
        takers = [worker for worker in self._workers if worker.takes]
        takers.sort(key=lambda worker: (worker.is_leaving, worker.open_connections))
        for worker in takers:
            try:
                socket.send_fds(worker.link, [b"c"], [connection.fileno()])
            except OSError:
                continue
            worker.open_connections += 1
            return
        logger.warning("a connection was closed: no worker could take it")

    def _stop(self) -> None:
        if self._is_ending:
            for worker in self._workers:
                with suppress(ProcessLookupError):
                    worker.process.kill()
            return
        logger.info("told to end: %d workers finish what is in flight", len(self._workers))
        self._end_all()

    def _end_all(self) -> None:
        self._is_ending = True
        for worker in self._workers:
            worker.end()
        settings = self._settings
        seconds = settings.drain_seconds + settings.finish_seconds + _GRACE_SECONDS
        loop = asyncio.get_running_loop()
        if self._workers:
            loop.call_later(seconds, self._stop)
        else:
            self._end.set()

    def _stop_listening(self) -> None:
        if self._is_listening and self._listener.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
        self._listener.close()

    async def _serve_metrics(self) -> asyncio.Server | None:
        settings = self._settings
        bound = bind_metrics(settings.host, settings.metrics_port)
        if bound is None:
            return None
        page = MetricsPage(settings.metrics_path, self._read, dict(read_labels(os.environ)))
        return await serve_metrics(bound, page)

    def _read(self) -> Snapshot:
        workers = [(str(worker.process.pid), worker.snapshot) for worker in self._workers]
        return merge([("", self._past), *workers])


def _describe(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
