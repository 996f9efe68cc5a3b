"""Each kind of answer that is no prediction, and no answer at all, from servers that give them."""

import json
import re
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from answering import Answer, free_port, raw_server, read_request, serving

from seldon_deployer.client.failures import says_failure
from seldon_deployer.errors import PayloadError, PredictionError

RECORDS = Path(__file__).parents[2].parent / "shared" / "executor-records"
UNIT = {"status": {"status": 1, "code": -1, "info": "X has 2 features", "reason": "BAD"}}
ORCHESTRATOR = {"status": {"code": 500, "info": "connect: refused", "status": "FAILURE"}}
HTML = {"Content-Type": "text/html", "Server": "nginx/1.25"}
PLAIN = {"Content-Type": "text/plain"}


def fail(client, data=((1.0,),), **options) -> PredictionError:
    with pytest.raises(PredictionError) as caught:
        client.predict(data, **options)
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (400, UNIT, {}, ["iris answered with HTTP 400: X has 2 features (BAD)", "correct the da"]),
        (500, UNIT, {}, ["HTTP 500: X has 2 features (BAD)", "seldon-deployer logs iris"]),
        (500, ORCHESTRATOR, PLAIN, ["from its orchestrator: connect: refused", "a unit does not"]),
        (422, {"error": "bad input"}, {}, ["HTTP 422: bad input", "correct the data"]),
        (422, {"detail": [{"loc": ["inputs"]}]}, {}, ['[{"loc": ["inputs"]}]']),
        (404, {"error": "Model x not found"}, {}, ["HTTP 404: Model x not found"]),
        (503, {"status": {"info": "no ready pod"}}, {}, ["starting it answers in a moment"]),
        (404, b"404 page not found\n", PLAIN, ["nothing takes /seldon/models/iris/api/v1.0/pred"]),
        (404, b"<html>", HTML, ["6 bytes of text/html from nginx/1.25", "check namespace, name"]),
        (502, b"<html>", HTML, ["the ingress got no answer from its pods"]),
        (503, b"no healthy upstream", PLAIN, ["where its pods are starting"]),
        (504, b"", HTML, ["the model takes longer than the ingress waits"]),
        (413, b"<html>", HTML, ["send fewer rows at once"]),
        (405, b"", {}, ["the URL is not the one"]),
        (401, b"<html>", HTML, ["asks for credentials", "--token-file"]),
        (403, {"error": "RBAC: access denied"}, {}, ["RBAC: access denied", "give auth"]),
        (201, {"data": {"ndarray": [1]}}, {}, ["HTTP 201", "every status but 200 for a failure"]),
        (400, {"status": {"status": "FAILURE", "code": 400}}, {}, ["HTTP 400", "correct the data"]),
    ],
)
def test_an_error_says_who_said_what_and_what_to_do(make_client, status, body, headers, words):
    with serving(Answer(status, body, headers)) as server:
        error = fail(make_client(server.url))
    assert error.status == status
    for each in words:
        assert each in str(error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([5.1, 3.5], "it is a list of 2. If these are the values of one row, give a list of one"),
        (np.array([5.1, 3.5]), r"reshape\(1, -1\)"),
        (["good dog", "bad cat"], "correct the data: it is a list of 2. If these are"),
        ({"width": 5.1}, r"none of its parts \(data, jsonData, .*of named values give .*\[row\]"),
        ([], "there are no rows in it"),
        (np.empty((0, 4)), "there are no rows in it"),
        ('[{"width": 5.1}]', r"json.loads\(text\)"),
    ],
)
def test_what_looks_odd_in_refused_data_is_what_to_try(make_client, data, words):
    with serving([Answer(400, UNIT), Answer(500, UNIT), Answer(413, UNIT)]) as server:
        client = make_client(server.url)
        refused, failed, too_large = (fail(client, data) for _ in range(3))
    assert re.search(words, refused.hint)
    assert re.search(f"{words}.*; or see `seldon-deployer logs iris`", failed.hint)
    assert "send fewer rows at once" in too_large.hint


def test_what_the_code_of_a_unit_returned_is_no_fault_of_the_data(make_client):
    info = "Unknown data type returned as payload (must be list or np array):None"
    body = {"status": {"status": 1, "code": -1, "info": info, "reason": "MICROSERVICE_BAD_DATA"}}
    with serving(Answer(400, body)) as server:
        error = fail(make_client(server.url), [1.5])
    assert "the unit's own code returned that: have it return an array or a list" in error.hint


@pytest.mark.parametrize("data", [[[5.1]], np.array([[5.1]]), "text", {"data": {}}, b"x"])
def test_data_that_look_as_they_mostly_do_are_doubted_no_further(make_client, data):
    with serving(Answer(400, UNIT)) as server:
        assert fail(make_client(server.url), data).hint == "correct the data"


def test_a_dict_without_inputs_is_told_where_v2_refuses_it(make_client):
    with serving(Answer(400, {"error": "bad"})) as server:
        error = fail(make_client(server.url, protocol="v2", model="m"), {"width": 5.1})
    assert "none of its parts (inputs): for one row of named values give a list of it" in error.hint


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"width": float("nan")}, "give a list of it, [row]"),
        ({"data": {"ndarray": [[float("nan")]]}}, "None for NaN"),
        ({"data": {"ndarray": np.eye(2)}}, "arrays by themselves are written for you"),
    ],
)
def test_a_message_that_is_no_json_is_told_with_what_to_do(make_client, message, words):
    with pytest.raises(PayloadError) as caught:
        make_client(f"http://127.0.0.1:{free_port()}").predict(message)
    assert words in caught.value.hint


def test_a_failure_that_came_with_200_is_an_error(make_client):
    body = {"status": {"status": "FAILURE", "info": "the combiner fell over"}}
    with serving(Answer(200, body)) as server:
        error = fail(make_client(server.url))
    assert "answered with a failure: the combiner fell over" in str(error)


@pytest.mark.parametrize("body", [b"<html>login-secret</html>", b"[1]", b"", b"\xff\xfe", b"{"])
def test_what_is_no_message_is_told_without_its_content(make_client, body):
    with serving(Answer(200, body, HTML)) as server:
        error = fail(make_client(server.url))
    assert "no message" in str(error)
    assert "a web page" in error.hint
    assert "secret" not in str(error)


def test_an_answer_without_data_is_no_value(make_client):
    with serving(Answer(200, {"meta": {}})) as server:
        assert "no readable data" in str(fail(make_client(server.url)))


def test_deep_json_is_no_message(make_client):
    with serving(Answer(200, b"[" * 200_000)) as server:
        assert "no message" in str(fail(make_client(server.url)))


def test_a_long_reason_is_cut(make_client):
    with serving(Answer(500, {"error": "x" * 10_000})) as server:
        assert len(str(fail(make_client(server.url)))) < 1_000


def test_a_redirect_is_told_and_not_followed(make_client):
    with serving(Answer(200, {"strData": "followed"})) as login:
        place = f"{login.url}/login"
        answer = Answer(302, b"", {"Location": f"{place}?state=secret"})
        with serving(answer) as server:
            error = fail(make_client(server.url, auth="token"))
        assert login.requests == []
    assert place in error.why
    assert "give auth" in error.hint
    assert "secret" not in str(error)


def test_a_redirect_to_tls_names_the_url_to_use(make_client):
    def to_tls(request):
        there = f"https://{request.headers['host']}{request.path}"
        return Answer(308, b"", {"Location": there})

    with serving(to_tls) as server:
        error = fail(make_client(server.url))
    assert error.hint.startswith("use https://127.0.0.1")


def test_a_service_that_hangs_is_given_up_after_the_timeout(make_client):
    release = threading.Event()
    with raw_server(lambda connection, number: release.wait(30)) as url:
        error = fail(make_client(url), timeout_seconds=0.2)
        release.set()
    assert "did not answer within 0.2 s" in str(error)
    assert error.status is None


def test_a_service_that_answers_drop_by_drop_is_given_up_too(make_client):
    end = threading.Event()

    def drip(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not end.wait(0.02):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    with raw_server(drip) as url:
        began = time.monotonic()
        error = fail(make_client(url), timeout_seconds=0.3)
        took = time.monotonic() - began
        end.set()
    assert "did not answer within 0.3 s" in str(error)
    assert took < 10


def test_a_refused_connection_says_that_nothing_listens(make_client):
    error = fail(make_client(f"http://127.0.0.1:{free_port()}/seldon/models/iris"))
    assert "nothing listens there" in error.why
    assert "seldon-deployer status iris" in error.hint
    assert error.status is None


def test_an_unknown_host_is_named(make_client):
    error = fail(make_client("http://nowhere.invalid/seldon/models/iris"))
    assert "cannot be reached at http://nowhere.invalid/" in error.what
    assert error.why == "no such host"


def test_what_speaks_no_http_is_told(make_client):
    def greet(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    with raw_server(greet) as url:
        assert "no HTTP" in fail(make_client(url)).why


def test_an_answer_that_breaks_off_is_an_error(make_client):
    def break_off(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"strData":')

    with raw_server(break_off) as url:
        error = fail(make_client(url))
    assert error.why == "the connection was closed within the answer"
    assert "Retries(after_sending=True)" in error.hint


def recorded_answers():
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text())
        for number, exchange in enumerate(record["exchanges"]):
            told = exchange.get("response")
            is_prediction = exchange["request"]["method"] == "POST"
            # The record has the text of a body that came compressed: it cannot be said again.
            is_plain = told and "Content-Encoding" not in dict(told["headers"])
            if is_plain and is_prediction and "feedback" not in exchange["request"]["path"]:
                yield pytest.param(record["protocol"], told, id=f"{path.stem}-{number}")


@pytest.mark.skipif(not RECORDS.is_dir(), reason="the orchestrator's records are not here")
@pytest.mark.parametrize(("protocol", "told"), list(recorded_answers()))
def test_what_the_real_orchestrator_said_is_a_value_or_names_its_reason(
    make_client, protocol, told
):
    answer = Answer(told["status"], (told["body"] or "").encode(), dict(told["headers"]))
    answer.headers.pop("Content-Length", None)
    try:
        message = json.loads(answer.content)
    except ValueError:
        message = None
    with serving(answer) as server:
        client = make_client(server.url, protocol=protocol)
        if told["status"] == 200 and isinstance(message, dict) and not says_failure(message):
            assert client.predict({"any": "message"}) == message
            return
        error = fail(client)
    assert error.status == told["status"]
    if isinstance(message, dict):
        info = (message.get("status") or {}).get("info") or message.get("error") or ""
        assert info in error.why
