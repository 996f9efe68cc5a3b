"""Batches, the queue, deadlines and methods that await, over a real server."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from unit_process import parameters


def rows(*values):
    return {"data": {"ndarray": [[value] for value in values]}}


def infer(value):
    tensor = {"name": "x", "shape": [1, 1], "datatype": "INT64", "data": [value]}
    return {"id": str(value), "inputs": [tensor]}


SLOW = rows(1000)


def together(unit, messages, hold=None, path="/predict", **headers):
    """Ask all at once, after one that keeps the model busy; the answers in order."""
    with ThreadPoolExecutor(len(messages) + 1) as pool:
        busy = None
        if hold is not None:
            busy = pool.submit(unit.post, path, hold)
            time.sleep(0.15)
        answers = list(pool.map(lambda message: unit.post(path, message, **headers), messages))
        if busy is not None:
            busy.result()
    return answers


@pytest.fixture(scope="module")
def joined(start_unit):
    return start_unit("batched.Joined")


def test_rows_that_wait_are_called_together_and_answered_apart(joined):
    answers = together(joined, [rows(n, n) for n in range(4)], SLOW)
    for n, answer in enumerate(answers):
        assert [row[0] for row in answer.json()["data"]["ndarray"]] == [2 * n, 2 * n]
    # The rows of each call: at least some of them found company.
    assert max(answer.json()["data"]["ndarray"][0][1] for answer in answers) > 2


def test_a_batch_has_no_more_rows_than_the_class_asks_for(joined):
    answers = together(joined, [rows(n) for n in range(20)], SLOW)
    assert max(answer.json()["data"]["ndarray"][0][1] for answer in answers) <= 8


def test_a_request_of_more_rows_is_called_alone_and_whole(joined):
    answer = joined.predict(rows(*range(20)))
    assert [row[1] for row in answer["data"]["ndarray"]] == [20] * 20


def test_a_lone_request_is_called_alone(joined):
    assert joined.predict(rows(3))["data"]["ndarray"] == [[6, 1]]


def test_a_failing_row_fails_alone(joined):
    answers = together(joined, [rows(n) for n in (1, 666, 2, 3)], SLOW)
    assert [answer.status for answer in answers] == [200, 500, 200, 200]
    assert answers[1].json()["status"]["info"] == "a bad row"
    assert [a.json()["data"]["ndarray"][0][0] for a in answers if a.status == 200] == [2, 4, 6]


def test_requests_of_other_shapes_and_forms_get_their_own_answers(joined):
    messages = [
        rows(1),
        {"data": {"ndarray": [[1, 2]]}},
        {"data": {"tensor": {"shape": [1, 1], "values": [5]}}},
        {"data": {"ndarray": [[0.5]]}},
        {"strData": "text"},
        rows(2),
    ]
    answers = together(joined, messages, SLOW)
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 500, 200]
    assert answers[0].json()["data"]["ndarray"][0][0] == 2
    assert answers[1].json()["data"]["ndarray"][0][0] == 6
    assert answers[2].json()["data"]["tensor"]["values"][0] == 10
    assert answers[3].json()["data"]["ndarray"][0][0] == 1
    assert answers[5].json()["data"]["ndarray"][0][0] == 4


def test_a_message_that_is_none_never_reaches_the_batch(joined):
    answers = together(joined, [rows(1), "no json", {"data": 7}, rows(2)], SLOW)
    assert [answer.status for answer in answers] == [200, 400, 400, 200]


def test_meta_stays_with_its_own_request(start_unit):
    unit = start_unit("batched.TellsMeta")
    messages = [rows(n) | {"meta": {"puid": str(n), "tags": {"n": n}}} for n in range(4)]
    for n, answer in enumerate(together(unit, messages, SLOW)):
        assert answer.json()["meta"]["puid"] == str(n)
        assert answer.json()["meta"]["tags"] == {"n": n}
        # The method reads meta, and theirs differ: never joined.
        assert answer.json()["data"]["ndarray"] == [[2 * n, 1]]


def test_v2_requests_are_joined_too(joined):
    answers = together(joined, [infer(n) for n in range(4)], infer(1000), path="/v2/models/infer")
    for n, answer in enumerate(answers):
        assert answer.json()["id"] == str(n)
        assert answer.json()["outputs"][0]["data"][0] == 2 * n
    assert max(answer.json()["outputs"][0]["data"][1] for answer in answers) > 1


def test_a_class_that_has_no_row_for_each_row_is_told_so_once_and_served_one_by_one(start_unit):
    unit = start_unit("batched.Totals")
    for _ in range(2):
        answers = together(unit, [rows(n, n) for n in range(4)], SLOW)
        assert [a.json()["data"]["ndarray"] for a in answers] == [[0], [2], [4], [6]]
    told = unit.log.read_text()
    assert told.count("predict cannot be batched: it returned 1 rows for") == 1
    assert "Take max_batch_size away" in told


def test_a_parameter_of_the_unit_asks_for_batches(start_unit):
    unit = start_unit("batched.Joined", **parameters(max_batch_size=2))
    answers = together(unit, [rows(n) for n in range(6)], SLOW)
    assert max(answer.json()["data"]["ndarray"][0][1] for answer in answers) == 2


def test_a_parameter_that_is_no_number_ends_the_start(run_server):
    result = run_server("batched.Holds", "--http-port", "0", **parameters(max_batch_size="x"))
    assert result.returncode == 2
    assert "max_batch_size is 'x'" in result.stderr


def test_methods_that_await_overlap(start_unit):
    unit = start_unit("batched.Awaits")
    answers = together(unit, [rows(5)] * 5)
    assert [answer.status for answer in answers] == [200] * 5


def test_methods_that_await_are_joined(start_unit):
    unit = start_unit("batched.AwaitsJoined")
    answers = together(unit, [rows(n) for n in (1, 666, 2)])
    assert [answer.status for answer in answers] == [200, 500, 200]


@pytest.mark.parametrize("name", ["Computes", "Holds"])
def test_health_answers_while_the_model_is_at_work(start_unit, name):
    unit = start_unit(f"batched.{name}")
    work = threading.Thread(target=unit.post, args=("/predict", rows(1.5)))
    work.start()
    time.sleep(0.1)
    try:
        for path in ("/health/status", "/health/ping", "/v2/health/ready", "/metadata"):
            assert unit.get(path).status == 200
        assert work.is_alive(), "the model was done before health was asked"
    finally:
        work.join()


def test_too_many_requests_are_sent_away_with_a_time_to_come_back(start_unit):
    unit = start_unit("batched.Holds", "--max-waiting", "2")
    answers = together(unit, [rows(0)] * 6, rows(1))
    refused = [answer for answer in answers if answer.status == 503]
    assert len(refused) == 4
    for answer in refused:
        assert int(answer.headers["Retry-After"]) >= 1
        assert "are waiting already" in answer.json()["status"]["info"]
    assert sum(answer.status == 200 for answer in answers) == 2
    # And then it takes requests again.
    assert unit.post("/predict", rows(0)).status == 200


TIMEOUT = {"X-Envoy-Expected-Rq-Timeout-Ms": "200"}


def test_a_request_whose_client_has_given_up_is_not_begun(start_unit):
    unit = start_unit("batched.Holds")
    (answer,) = together(unit, [rows(0)], rows(0.8), **TIMEOUT)
    assert answer.status == 504
    assert "waiting for" in answer.json()["status"]["info"]
    # The one that held, and this one: the other was never called.
    assert unit.predict(rows(0))["data"]["ndarray"] == [[2]]


def test_a_method_that_takes_too_long_is_named(start_unit):
    unit = start_unit("batched.Holds")
    answer = unit.post("/predict", rows(0.6), **TIMEOUT)
    assert answer.status == 504
    assert "in predict for" in answer.json()["status"]["info"]
    assert re.search(r"predict is running for .* its client has given up", unit.log.read_text())


def test_a_method_that_awaits_is_cancelled_when_its_client_has_given_up(start_unit):
    unit = start_unit("batched.AwaitsLong")
    assert unit.post("/predict", rows(30), **TIMEOUT).status == 504
    # That it is cancelled reaches the method in a turn of its own event loop.
    assert unit.predict(rows(0.2))["data"]["ndarray"] == [[1]]


@pytest.mark.parametrize("value", ["", "soon", "-1", "0", "1.5"])
def test_a_timeout_that_is_no_number_is_none(joined, value):
    header = {"X-Envoy-Expected-Rq-Timeout-Ms": value}
    assert joined.post("/predict", rows(1), **header).status == 200


def test_a_method_that_never_returns_does_not_keep_the_process(start_unit):
    unit = start_unit("batched.Holds")
    http = urllib3.PoolManager(retries=False)
    with pytest.raises(urllib3.exceptions.TimeoutError):
        http.request("POST", f"{unit.url}/predict", json=rows(600), timeout=0.3)
    http.clear()
    unit.http.clear()
    unit.process.terminate()
    assert unit.process.wait(25) == 0
