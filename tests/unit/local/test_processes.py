"""Processes, their ports and their probes: real ones, on loopback."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from seldon_deployer.local.container import BackOff
from seldon_deployer.local.ports import FIRST_PORT, LAST_PORT, PortLease
from seldon_deployer.local.probes import Probe, read_probe
from seldon_deployer.local.process import (
    ProcessId,
    UnitProcess,
    end_recorded,
    last_lines,
    record_file,
)

STUBBORN = (
    "import signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "open('up', 'w').close(); time.sleep(600)"
)


def start(tmp_path: Path, code: str) -> UnitProcess:
    return UnitProcess.start(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        log=tmp_path / "logs" / "0.log",
        record=record_file(tmp_path, "unit"),
    )


def test_the_exit_code_and_the_last_lines_tell_how_a_process_ended(tmp_path):
    async def run() -> int:
        process = start(tmp_path, "print('fine'); raise SystemExit('it broke')")
        return await process.wait()

    assert asyncio.run(run()) == 1
    assert sorted(last_lines(tmp_path / "logs" / "0.log").splitlines()) == ["fine", "it broke"]


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(tmp_path):
    os.mkfifo(tmp_path / "up")

    async def run() -> tuple[int, list[psutil.Process]]:
        process = start(tmp_path, STUBBORN)
        # Opening a pipe to read waits for who opens it to write.
        await asyncio.to_thread((tmp_path / "up").read_text)
        children = psutil.Process(process.id.pid).children()
        return await process.stop(0.05), children

    code, children = asyncio.run(run())

    assert code == -signal.SIGKILL
    assert len(children) == 1
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert not record_file(tmp_path, "unit").exists()


def test_cancelling_who_waits_does_not_lose_the_process(tmp_path):
    async def run() -> int:
        process = start(tmp_path, "import time; time.sleep(600)")
        waiting = asyncio.create_task(process.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert process.is_running
        return await process.stop(10)

    assert asyncio.run(run()) == -signal.SIGTERM


def test_processes_of_a_runtime_that_died_are_found_and_ended(tmp_path):
    pod = tmp_path / "pods" / "u1"
    pod.mkdir(parents=True)

    async def run() -> tuple[int, bool]:
        process = start(pod, "import time; time.sleep(600)")
        ended = await asyncio.to_thread(end_recorded, tmp_path / "pods")
        await process.wait()
        return ended, process.id.is_alive()

    assert asyncio.run(run()) == (1, False)
    assert end_recorded(tmp_path / "pods") == 0


def test_a_process_of_an_earlier_runtime_is_adopted_and_its_end_is_seen(tmp_path):
    async def run() -> tuple[int, int]:
        process = start(tmp_path, "import time; time.sleep(600)")
        adopted = UnitProcess.adopt(record_file(tmp_path, "unit"))
        assert adopted.id == process.id
        return await adopted.stop(10), await process.wait()

    assert asyncio.run(run()) == (255, -signal.SIGTERM)
    assert UnitProcess.adopt(record_file(tmp_path, "unit")) is None


def test_a_number_that_another_process_has_by_now_is_not_ended(tmp_path):
    pod = tmp_path / "u1"
    pod.mkdir()
    mine = ProcessId.current()
    record_file(pod, "unit").write_text(str(ProcessId(mine.pid, mine.create_time - 100)))

    assert end_recorded(tmp_path) == 0


@pytest.mark.parametrize("text", ["", "docker://1/2", "process://x/1", "process://1/x"])
def test_only_our_own_form_names_a_process(text):
    assert ProcessId.parse(text) is None


def test_a_process_id_is_read_as_it_is_written():
    mine = ProcessId.current()

    assert ProcessId.parse(str(mine)) == mine
    assert mine.is_alive()


def test_leased_ports_are_different_and_outside_of_the_outgoing_range():
    leases = [PortLease() for _ in range(20)]
    try:
        numbers = {lease.number for lease in leases}
        assert len(numbers) == 20
        assert all(FIRST_PORT <= number < LAST_PORT for number in numbers)
    finally:
        for lease in leases:
            lease.release()


def test_a_unit_can_listen_on_a_port_that_is_still_leased():
    lease = PortLease()

    async def listen() -> int:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", lease.number)
        async with server:
            return server.sockets[0].getsockname()[1]

    try:
        assert asyncio.run(listen()) == lease.number
    finally:
        lease.release()


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("200 OK", None),
        ("302 Found", None),
        ("503 Busy", "HTTP probe failed with statuscode: 503"),
    ],
)
def test_an_http_probe_reads_the_status(status, failure):
    async def run() -> str | None:
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await Probe(port, "/health/status").failure()

    assert asyncio.run(run()) == failure


def test_a_probe_of_a_closed_port_says_what_kubelet_says():
    lease = PortLease()
    dial = f"dial tcp 127.0.0.1:{lease.number}: connect: connection refused"
    try:
        assert asyncio.run(Probe(lease.number, None).failure()) == dial
        url = f"http://127.0.0.1:{lease.number}/x"
        assert asyncio.run(Probe(lease.number, "/x").failure()) == f'Get "{url}": {dial}'
    finally:
        lease.release()


def test_a_probe_has_its_real_port_by_name_or_number():
    ports = {"http": 21000, "9000": 21000}
    by_name = {"readinessProbe": {"httpGet": {"path": "/x", "port": "http"}, "periodSeconds": 1}}
    by_number = {"livenessProbe": {"tcpSocket": {"port": 9000}, "initialDelaySeconds": 60}}

    readiness = read_probe(by_name, "readinessProbe", ports)
    liveness = read_probe(by_number, "livenessProbe", ports)

    assert (readiness.port, readiness.path, readiness.period_seconds) == (21000, "/x", 1)
    assert (liveness.port, liveness.path, liveness.patience_seconds) == (21000, None, 90)
    assert read_probe(by_name, "startupProbe", ports) is None


def test_back_off_doubles_to_five_minutes_and_is_forgotten_after_a_good_run():
    back_off = BackOff()

    waits = [back_off.next_seconds(1) for _ in range(13)]

    assert waits[:5] == [0, 0.5, 1, 2, 4]
    assert waits[-1] == 300
    assert back_off.next_seconds(601) == 0
    assert back_off.next_seconds(1) == 0.5
