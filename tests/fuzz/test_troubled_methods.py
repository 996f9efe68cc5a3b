"""A method that raises, hangs, answers nonsense or leaks: contained, and told by its name."""

from __future__ import annotations

import re
import threading
import time

import pytest
from grpc import RpcError, StatusCode
from grpc_unit import connect
from protobuf_messages import wire_of
from unit_process import parameters

ANSWER_SECONDS = 20
DEADLINE_HEADER = "X-Envoy-Expected-Rq-Timeout-Ms"
# What the answer to each says, by the name of the trouble.
RAISED = {
    "raise": "the reason of the class",
    "raise_nothing": "RuntimeError",
    "raise_odd": "x",
    "raise_what_cannot_be_told": "Mute",
    "exit": "3",
    "interrupt": "KeyboardInterrupt",
    "generator_exit": "GeneratorExit",
    "stop_iteration": "StopIteration",
    "recurse": "recursion",
    "too_much_memory": "",
    "circle": "",
    "complex": "complex",
    "dates": "",
    "ragged": "differ in length",
    "infinite": "infinite",
    "keys": "",
}
# No value of Seldon's: 400, as its wrapper says it.
NO_VALUES = ("none", "scalar", "object", "set", "generator")
PORTS = ("--grpc-port", "0", "--metrics-port", "0")
BATCHES = {"max_batch_size": 8, "max_batch_delay_ms": 1}


@pytest.fixture(scope="module", params=[{}, BATCHES], ids=["single", "batches"])
def unit(request, start_unit):
    return start_unit("troubled.Troubled", *PORTS, **parameters(**request.param))


@pytest.fixture(autouse=True)
def goes_on(request):
    yield
    if "unit" in request.fixturenames:
        unit = request.getfixturevalue("unit")
        assert unit.process.poll() is None
        good = unit.predict({"data": {"ndarray": [[1.0]]}})
        assert good["data"]["ndarray"] == [[1.0]]


def info_of(answer) -> str:
    return answer.json()["status"]["info"]


@pytest.mark.parametrize("trouble", RAISED)
def test_what_a_method_raises_answers_its_request_alone(unit, trouble):
    answer = unit.post("/predict", {"strData": trouble})
    assert answer.status == 500
    assert RAISED[trouble] in info_of(answer)
    assert b"Traceback" not in answer.data
    assert len(answer.data) < 200_000


@pytest.mark.parametrize("trouble", NO_VALUES)
def test_what_is_no_answer_is_told(unit, trouble):
    answer = unit.post("/predict", {"strData": trouble})
    assert answer.status == 400
    assert info_of(answer).startswith("Unknown data type returned as payload")


@pytest.mark.parametrize("trouble", [*RAISED, *NO_VALUES])
def test_over_grpc_too(unit, trouble):
    wire = wire_of("seldon.protos.SeldonMessage", {"strData": trouble})
    channel = connect(unit).channel
    call = channel.unary_unary("/seldon.protos.Model/Predict")
    with pytest.raises(RpcError) as raised:
        call(wire, timeout=ANSWER_SECONDS)
    channel.close()
    wanted = StatusCode.INVALID_ARGUMENT if trouble in NO_VALUES else StatusCode.INTERNAL
    assert raised.value.code() is wanted, raised.value.details()
    assert "Traceback" not in raised.value.details()


def test_the_log_tells_where_it_was_raised(unit):
    unit.post("/predict", {"strData": "raise"})
    log = unit.log.read_text()
    assert "predict failed" in log
    assert re.search(r'troubled\.py", line \d+, in _raise\n', log)


def test_what_a_class_keeps_is_on_the_page_of_metrics(unit):
    def resident() -> float:
        return number(unit, "process_resident_memory_bytes")

    before = resident()
    for _ in range(100):
        assert unit.predict({"strData": "leak"})["strData"] == "leaked"
    # What it keeps is its own affair; that it does is to be seen.
    assert resident() - before > 100 * 200_000 / 2


def number(unit, name: str) -> float:
    """The sum of a metric over its labels."""
    found = re.search(r"metrics on (http://\S+)\n", unit.log.read_text())
    page = unit.http.request("GET", found[1], timeout=ANSWER_SECONDS).data.decode()
    values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", page, re.MULTILINE)
    return sum(map(float, values))


@pytest.mark.parametrize("asked", [{}, BATCHES], ids=["single", "batches"])
def test_with_all_threads_hung_the_rest_answers_and_tells(start_unit, asked):
    unit = start_unit(
        "troubled.Troubled", *PORTS, "--threads", "2", "--max-waiting", "4", **parameters(**asked)
    )
    clients = [
        threading.Thread(target=ask_and_give_up, args=(unit, text), daemon=True)
        for text in ("hang",) * 3
    ]
    for client in clients:
        client.start()
    wait_until(lambda: number(unit, "seldon_deployer_unit_waiting_requests") >= 1)
    started = time.monotonic()
    assert unit.get("/health/status").status == 200
    assert unit.get("/v2/health/ready").status == 200
    assert time.monotonic() - started < 5
    # A client that says how long it waits is told in time.
    late = unit.post("/predict", {"strData": "hang"}, **{DEADLINE_HEADER: "300"})
    assert late.status == 504
    assert "no answer before the deadline" in info_of(late)
    for client in clients:
        client.join(ANSWER_SECONDS)
    log = unit.log.read_text()
    assert "predict is running for" in log
    assert "its client has given up" in log
    answers = [unit_answer(unit) for _ in range(8)]
    assert {503} <= set(answers) <= {503, 504}


def unit_answer(unit) -> int:
    """The status of a request that nobody has time for; the queue keeps some of them."""
    headers = {DEADLINE_HEADER: "100"}
    return unit.post("/predict", {"strData": "hang"}, **headers).status


def ask_and_give_up(unit, text: str) -> None:
    assert unit.post("/predict", {"strData": text}, **{DEADLINE_HEADER: "3000"}).status == 504


def wait_until(is_so) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
