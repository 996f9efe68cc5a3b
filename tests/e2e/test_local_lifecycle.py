"""The embedded runtime started, killed in parts, stopped and started again."""

import os
import shutil
import signal
import socket
import threading

import psutil
import pytest
import urllib3
from embedded import (
    PATIENCE_SECONDS,
    PODS,
    Embedded,
    class_sdep,
    load_on,
    pids_of,
    processes_of,
    running,
    write_code,
)
from urllib3.util import Retry

from seldon_deployer.errors import LocalRuntimeError
from seldon_deployer.local import lifecycle


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return write_code(tmp_path_factory.mktemp("code"))


def test_serving_goes_on_without_control_and_the_next_one_adopts_it(tmp_path, code):
    with running(tmp_path / "home") as embedded:
        embedded.apply(class_sdep("alone", code))
        embedded.wait_served("alone")
        control = lifecycle.status(embedded.home).control
        before = [pids_of(pod) for pod in embedded.pods("alone")]

        os.kill(control, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(control)] if psutil.pid_exists(control) else [])

        assert lifecycle.status(embedded.home).control is None
        assert embedded.answer("alone") == "one"

        with load_on(embedded, "alone").running() as load:
            load.wait_sent(20)
            lifecycle.ensure_running(embedded.home)
            embedded.wait_served("alone")
            assert [pids_of(pod) for pod in embedded.pods("alone")] == before
            embedded.apply(class_sdep("alone", code, text="two"))
            embedded.wait_served("alone", "two")
            load.wait_sent(20)

        assert load.failures == []
        assert embedded.answer("alone") == "two"
        embedded.wait_until(lambda: len(embedded.pods("alone")) == 1, PODS)
        assert pids_of(embedded.pods("alone")[0]) != before[0]


def test_a_gateway_that_dies_comes_back_on_its_port(tmp_path, code):
    with running(tmp_path / "home") as embedded:
        embedded.apply(class_sdep("kept", code))
        embedded.wait_served("kept")
        before = lifecycle.status(embedded.home)
        first = psutil.Process(before.gateway)

        first.kill()
        psutil.wait_procs([first])
        # Only waits: the runtime is never asked to start anything.
        wait_for_gateway(embedded)

        assert embedded.answer("kept") == "one"
        after = lifecycle.status(embedded.home)
        assert after.gateway != before.gateway
        assert (after.control, after.runtime) == (before.control, before.runtime)


def test_a_signal_to_both_processes_ends_both(tmp_path):
    with running(tmp_path / "home") as embedded:
        status = lifecycle.status(embedded.home)
        both = [psutil.Process(status.gateway), psutil.Process(status.control)]

        for process in both:
            process.terminate()
        psutil.wait_procs(both)

        assert processes_of(embedded.home) == []


@pytest.mark.parametrize("stuck", ["control", "gateway"])
def test_what_does_not_end_is_killed_and_leaves_nothing(tmp_path, code, stuck):
    with running(tmp_path / "home") as embedded:
        embedded.apply(class_sdep("stuck", code))
        embedded.wait_served("stuck")
        units = [psutil.Process(pid) for pod in embedded.pods("stuck") for pid in pids_of(pod)]
        os.kill(getattr(lifecycle.status(embedded.home), stuck), signal.SIGSTOP)

        with pytest.raises(LocalRuntimeError, match=r"asked 1 s before it was killed"):
            lifecycle.stop(embedded.home, patience_seconds=1.0)

        assert units
        assert psutil.wait_procs(units, timeout=PATIENCE_SECONDS)[1] == []
        assert processes_of(embedded.home) == []
        assert not lifecycle.stop(embedded.home)


def wait_for_gateway(embedded: Embedded) -> None:
    retries = Retry(connect=20, backoff_factor=0.02, backoff_max=1.0)
    address = f"{embedded.runtime.gateway_url}/gateway/health"
    assert urllib3.request("GET", address, retries=retries).status == 200


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="needs Linux's prlimit")
def test_a_full_disk_ends_nothing_that_serves_and_heals(tmp_path, code):
    with running(tmp_path / "home") as embedded:
        embedded.apply(class_sdep("full", code))
        embedded.wait_served("full")
        control = psutil.Process(lifecycle.status(embedded.home).control)
        (unit,) = pids_of(embedded.pods("full")[0])

        # To control, a file that may not grow is a disk without room.
        control.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))
        with pytest.raises(AssertionError, match="InternalError"):
            embedded.apply(class_sdep("full", code, text="two"))
        assert embedded.answer("full") == "one"
        os.kill(unit, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(unit)] if psutil.pid_exists(unit) else [])
        control.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

        embedded.http.clear()
        embedded.apply(class_sdep("full", code, text="two"))
        embedded.wait_served("full", "two")
        assert embedded.answer("full") == "two"
        assert lifecycle.status(embedded.home).control == control.pid


def test_a_runtime_whose_folder_is_deleted_ends_with_all_its_processes(tmp_path, code):
    home = tmp_path / "home"
    embedded = Embedded(lifecycle.ensure_running(home))
    embedded.apply(class_sdep("orphan", code))
    embedded.wait_served("orphan")
    status = lifecycle.status(home)
    pids = [status.control, status.gateway, *pids_of(embedded.pods("orphan")[0])]
    processes = [psutil.Process(pid) for pid in pids]
    embedded.http.clear()

    shutil.rmtree(home)

    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    assert alive == []


def test_a_next_start_serves_what_was_deployed_under_the_same_url(tmp_path, code):
    with running(tmp_path / "home") as embedded:
        embedded.apply(class_sdep("again", code))
        embedded.wait_served("again")
        before = embedded.runtime

        lifecycle.stop(embedded.home)
        assert processes_of(embedded.home) == []
        after = lifecycle.ensure_running(embedded.home)

        assert after == before
        embedded.http.clear()
        embedded.wait_served("again")
        assert embedded.answer("again") == "one"


def test_two_who_start_at_once_get_one_runtime(tmp_path):
    home = tmp_path / "home"
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(lifecycle.ensure_running(home)))
        for _ in range(3)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == [found[0]] * 3
        assert len(processes_of(home)) == 2
    finally:
        lifecycle.stop(home)


def test_a_busy_gateway_port_is_a_clear_error(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        os.environ[lifecycle.GATEWAY_PORT_VARIABLE] = str(port)
        try:
            with pytest.raises(LocalRuntimeError, match=f"port {port}"):
                lifecycle.ensure_running(tmp_path / "home")
        finally:
            del os.environ[lifecycle.GATEWAY_PORT_VARIABLE]
            lifecycle.stop(tmp_path / "home")

    assert processes_of(tmp_path / "home") == []


@pytest.mark.parametrize("text", ["{", "[]", '{"port": 1}'])
def test_a_record_that_cannot_be_read_is_a_clear_error(tmp_path, text):
    (tmp_path / "runtime.json").write_text(text)

    with pytest.raises(LocalRuntimeError, match=r"runtime\.json is no record"):
        lifecycle.ensure_running(tmp_path)


@pytest.mark.parametrize("blocked", ["start.lock", "runtime.json"])
def test_a_folder_that_cannot_be_used_is_a_clear_error(tmp_path, blocked):
    (tmp_path / blocked).mkdir()

    with pytest.raises(LocalRuntimeError, match="cannot use the folder"):
        lifecycle.ensure_running(tmp_path)


def test_a_store_that_is_none_is_told_by_its_last_words_and_leaves_nothing(tmp_path):
    (tmp_path / "cluster.db").write_text("this is no database" * 100)

    with pytest.raises(LocalRuntimeError, match="control process did not start") as caught:
        lifecycle.ensure_running(tmp_path)

    assert caught.value.why == "sqlite3.DatabaseError: file is not a database"
    assert processes_of(tmp_path) == []


def test_stopping_what_does_not_run_does_nothing(tmp_path):
    assert lifecycle.stop(tmp_path / "home") is False
