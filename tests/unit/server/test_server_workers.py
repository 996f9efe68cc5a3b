"""Several processes behind one socket: balance, deaths, replacement, the end."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest
import urllib3

ROW = {"data": {"ndarray": [[1]]}}


class Load:
    """Clients that ask over and over, each on a kept connection, until told to stop."""

    def __init__(self, url, clients=6):
        self.answered = Counter()
        self.failed = []
        self._stop = threading.Event()
        self._url = url
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self):
        with urllib3.PoolManager(retries=False) as http:
            while not self._stop.is_set():
                try:
                    answer = http.request("POST", f"{self._url}/predict", json=ROW, timeout=20)
                except urllib3.exceptions.NewConnectionError:
                    # Nobody listens any more: the client goes elsewhere, and has lost nothing.
                    return
                except urllib3.exceptions.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                if answer.status == 200:
                    self.answered[answer.json()["data"]["ndarray"][0][0]] += 1
                else:
                    self.failed.append(answer.status)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def workers_of(unit):
    return [child.pid for child in psutil.Process(unit.process.pid).children()]


def wait_until_loaded(unit, count):
    wait_for(lambda: unit.log.read_text().count("INFO loaded ") == count)
    # Loaded is a moment before it takes connections.
    time.sleep(0.3)


@pytest.mark.parametrize("asked", [{"GUNICORN_WORKERS": "3"}, {"GRPC_WORKERS": "3"}])
def test_connections_are_shared_between_workers(start_unit, asked):
    unit = start_unit("batched.WhoAnswers", **asked)
    wait_until_loaded(unit, 3)
    load = Load(unit.url)
    wait_for(lambda: len(load.answered) == 3)
    load.stop()
    assert not load.failed
    assert set(load.answered) == set(workers_of(unit))


@pytest.mark.parametrize("count", [1, 2])
def test_a_drain_over_all_workers_loses_no_request(start_unit, count):
    """Of clients that come back at once, too, however often they are told to go elsewhere."""
    unit = start_unit("batched.WhoAnswers", "--workers", str(count))
    wait_until_loaded(unit, count)
    load = Load(unit.url)
    wait_for(lambda: sum(load.answered.values()) > 50)
    workers = workers_of(unit)
    unit.process.send_signal(signal.SIGTERM)
    assert unit.process.wait(30) == 0
    load.stop()
    assert not load.failed
    assert not any(psutil.pid_exists(worker) for worker in workers)


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(start_unit):
    unit = start_unit("batched.WhoAnswers", "--workers", "2")
    wait_until_loaded(unit, 2)
    first = workers_of(unit)
    with suppress(urllib3.exceptions.HTTPError):
        unit.http.request("POST", f"{unit.url}/predict", json={"data": {"ndarray": [[13]]}})
    wait_until_loaded(unit, 3)
    assert "has died (exit code 9)" in unit.log.read_text()
    assert len(workers_of(unit)) == 2
    assert len(set(workers_of(unit)) & set(first)) == 1
    for _ in range(10):
        assert unit.post("/predict", ROW).status == 200


def test_a_worker_that_has_answered_its_most_requests_is_replaced_without_a_loss(start_unit):
    unit = start_unit("batched.WhoAnswers", "--max-requests", "40")
    load = Load(unit.url, clients=3)
    wait_for(lambda: len(load.answered) >= 3, 60)
    load.stop()
    assert not load.failed
    # A worker goes on until the next one is there, and never ends before its number.
    replaced = list(load.answered.values())[:2]
    assert all(count >= 40 - len(load.answered) for count in replaced)
    wait_for(lambda: len(workers_of(unit)) == 1)


def test_a_failed_load_ends_all_with_its_reason(run_server):
    result = run_server("served.FailsToLoad", "--http-port", "0", "--workers", "3")
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "failed to load: RuntimeError: the weights are gone" in last
    assert result.stderr.count("error: served.FailsToLoad") == 1


def test_no_worker_outlives_its_supervisor(start_unit):
    unit = start_unit("batched.WhoAnswers", "--workers", "2")
    wait_until_loaded(unit, 2)
    workers = workers_of(unit)
    unit.process.kill()
    unit.process.wait()
    wait_for(lambda: not any(psutil.pid_exists(worker) for worker in workers))


def test_a_worker_that_hangs_is_killed_at_the_end(start_unit):
    unit = start_unit("batched.Holds", "--workers", "2")
    (worker, *_) = workers_of(unit)
    os.kill(worker, signal.SIGSTOP)
    unit.process.terminate()
    unit.process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        unit.process.wait(5)
    assert unit.process.poll() is not None
    wait_for(lambda: not psutil.pid_exists(worker))


def test_numbers_of_all_workers_are_told_as_one(start_unit):
    unit = start_unit("batched.WhoAnswers", "--workers", "2", "--metrics-port", "0")
    wait_until_loaded(unit, 2)
    for _ in range(20):
        unit.http.clear()
        assert unit.post("/predict", ROW).status == 200
    url = next(
        line.split()[-1] for line in unit.log.read_text().splitlines() if " metrics on " in line
    )

    def told():
        page = unit.http.request("GET", url).data.decode()
        counts = [
            float(line.split()[-1])
            for line in page.splitlines()
            if line.startswith("seldon_deployer_unit_requests_seconds_count")
        ]
        return sum(counts)

    wait_for(lambda: told() == 20)
    for worker in workers_of(unit):
        os.kill(worker, signal.SIGKILL)
    wait_until_loaded(unit, 4)
    # What the dead have counted still counts: Prometheus takes a smaller number for a restart.
    assert told() == 20
