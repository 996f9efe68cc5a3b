"""Classes that hang, raise, or return what is no answer: contained, and named."""

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import urllib3

HANG, WELL = {"strData": "hang"}, {"strData": "x"}


def wait_for_end(unit):
    return unit.process.wait(30), unit.log.read_text()


def test_a_call_that_does_not_come_back_ends_the_process_where_time_is_limited(start_unit):
    unit = start_unit("misbehaving.Hangs", "--timeout-seconds", "0.4", "--metrics-port", "0")
    answer = unit.post("/predict", HANG)
    assert answer.status == 504
    assert "in predict for" in answer.json()["status"]["info"]
    code, log = wait_for_end(unit)
    assert code == 1
    # Where it is, and why it ended.
    assert "threading.Event().wait()" in log
    last = log.strip().splitlines()[-1]
    assert last.startswith("error: the unit has ended itself")
    assert "predict runs for" in last


def test_an_async_method_that_blocks_its_loop_ends_the_process_where_time_is_limited(start_unit):
    unit = start_unit(
        "misbehaving.BlocksItsLoop", "--timeout-seconds", "0.4", "--metrics-port", "0"
    )
    assert unit.predict(WELL)
    answer = unit.post("/predict", HANG)
    assert answer.status == 504
    code, log = wait_for_end(unit)
    assert code == 1
    assert "threading.Event().wait()" in log
    last = log.strip().splitlines()[-1]
    assert "an async method blocks the others for" in last


def test_a_worker_whose_call_does_not_come_back_is_replaced(start_unit):
    unit = start_unit(
        "misbehaving.Hangs", "--timeout-seconds", "0.4", "--workers", "2", "--metrics-port", "0"
    )
    before = {unit.predict(WELL)["jsonData"]["pid"]}
    assert unit.post("/predict", HANG).status == 504
    unit.http.clear()
    deadline = time.monotonic() + 40
    while "runs for" not in unit.log.read_text():
        assert time.monotonic() < deadline
        assert unit.process.poll() is None
        time.sleep(0.05)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(unit.predict, WELL) for _ in range(8)]
        assert {each.result()["jsonData"]["pid"] for each in answers} - before
    assert unit.process.poll() is None


def test_a_slow_call_within_its_time_ends_nothing(start_unit):
    unit = start_unit("served.Slow", "--timeout-seconds", "2", "--metrics-port", "0")
    for _ in range(2):
        assert unit.post("/predict", {"strData": "1.2"}).status == 200
    assert unit.process.poll() is None


def test_the_shorter_time_counts_of_the_client_and_the_unit(start_unit):
    unit = start_unit("served.Slow", "--timeout-seconds", "30", "--metrics-port", "0")
    late = {"X-Envoy-Expected-Rq-Timeout-Ms": "100"}
    assert unit.post("/predict", {"strData": "0.5"}, **late).status == 504
    unit.process.send_signal(signal.SIGTERM)
    assert unit.process.wait(30) == 0


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_ends_the_start(run_server, value):
    result = run_server("served.Echo", "--http-port", "0", f"--timeout-seconds={value}")
    assert result.returncode == 2
    assert "is no number above 0" in result.stderr


@pytest.fixture(scope="module")
def raises(start_unit):
    return start_unit("misbehaving.Raises")


@pytest.mark.parametrize(
    ("kind", "words"), [("key", "'column'"), ("exit", "3"), ("recursion", "recursion")]
)
def test_what_is_raised_is_answered_and_its_causes_are_in_the_log(raises, kind, words):
    answer = raises.post("/predict", {"strData": kind})
    assert answer.status == 500
    status = answer.json()["status"]
    assert words in status["info"]
    assert "Traceback" not in status["info"]
    log = raises.log.read_text()
    assert "predict failed" in log
    if kind != "recursion":
        assert "the disk is full" in log
    assert raises.get("/health/status").status == 200


@pytest.fixture(scope="module")
def returns(start_unit):
    return start_unit("misbehaving.Returns")


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("none", 400, "Unknown data type"),
        ("number", 400, "Unknown data type"),
        ("generator", 400, "Unknown data type"),
        ("object", 400, "Unknown data type"),
        ("ragged", 500, "the answer cannot be sent"),
        ("complex", 500, "the answer cannot be sent"),
        ("set", 500, "the answer cannot be sent"),
        ("keys", 500, "the answer cannot be sent"),
        ("deep", 500, "the answer cannot be sent"),
    ],
)
def test_what_is_no_answer_is_an_error_and_the_next_request_is_answered(
    returns, kind, status, words
):
    for _ in range(2):
        answer = returns.post("/predict", {"strData": kind})
        assert answer.status == status, answer.data
        assert words in answer.json()["status"]["info"]
        assert len(answer.data) < 2000
    assert returns.post("/v2/models/infer", {"inputs": []}).status == 400


def test_tags_that_are_none_are_named(start_unit):
    answer = start_unit("misbehaving.Tells").post("/predict", WELL)
    assert answer.status == 500
    assert "tags" in answer.json()["status"]["info"]


def test_a_class_that_closes_the_output_still_answers(start_unit):
    unit = start_unit("misbehaving.Prints", "--access-log", "1")
    for _ in range(3):
        assert unit.post("/predict", WELL).status in (200, 500)
    assert unit.process.poll() is None


def test_a_class_that_leaks_ends_in_order_before_the_container_does(start_unit):
    limit = 512 << 20
    unit = start_unit("misbehaving.Leaks", "--max-memory-bytes", str(limit), "--metrics-port", "0")
    page = re.search(r" metrics on (\S+)", unit.log.read_text())[1]
    text = unit.http.request("GET", page).data.decode()
    memory = float(re.search(r"^process_resident_memory_bytes{.*} (\S+)$", text, re.MULTILINE)[1])
    assert 0 < memory < limit
    with suppress(urllib3.exceptions.HTTPError):
        for _ in range(200):
            assert unit.post("/predict", WELL).status == 200
    code, log = wait_for_end(unit)
    assert code == 1
    assert "MiB of memory, and may have 512 MiB" in log.strip().splitlines()[-1]


def test_a_worker_that_leaks_is_replaced_and_no_request_is_lost(start_unit):
    unit = start_unit(
        *("misbehaving.Leaks", "--max-memory-bytes", str(512 << 20), "--metrics-port", "0"),
        *("--workers", "2"),
    )
    seen = set()
    deadline = time.monotonic() + 60
    while len(seen) < 3:
        assert time.monotonic() < deadline
        seen.add(unit.predict(WELL)["jsonData"]["pid"])
        # The leak is quick, its replacement is not: it loads numpy first.
        time.sleep(0.1)
    assert unit.process.poll() is None
