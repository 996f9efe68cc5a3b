"""The prediction client against servers that answer, refuse, hang and go away."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from seldon_deployer.errors import PayloadError, PredictionError
from seldon_deployer.payload import build_request, read_response
from seldon_deployer.service.prediction import PredictionClient

ROWS = {"data": {"ndarray": [[1.0]]}}


@contextmanager
def serving(status: int, body: bytes, kind: str = "application/json") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/predictions"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def raw_server(answer: Callable[[socket.socket, int], object]) -> Iterator[str]:
    """A TCP server; `answer` gets each connection and its number."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept():
        number = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                answer(connection, number)
            number += 1

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/predictions"
    finally:
        # Closing alone does not wake a thread that waits in accept.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def ask(url: str, timeout_seconds: float = 10) -> object:
    return PredictionClient("iris", url).ask(ROWS, timeout_seconds=timeout_seconds)


def test_an_answer_is_returned_whole():
    with serving(200, b'{"data":{"ndarray":[[2.5]]},"meta":{}}') as url:
        assert ask(url) == {"data": {"ndarray": [[2.5]]}, "meta": {}}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            400,
            {"status": {"status": 1, "info": "X has 2 features", "reason": "BAD"}},
            "HTTP 400: X has 2 features (BAD). Try: correct the data",
        ),
        (
            500,
            {"status": {"code": 500, "info": "connection refused", "status": "FAILURE"}},
            "HTTP 500: connection refused. Try: see `seldon-deployer logs iris`",
        ),
        (503, {"status": {"info": "no ready pod"}}, "starting it answers in a moment"),
        (404, {"error": "Model x not found"}, "HTTP 404: Model x not found"),
        (401, {}, "asks for credentials"),
        (502, "a page", "HTTP 502: HTTP 502"),
    ],
)
def test_an_error_is_told_with_its_reason(status, body, words):
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with serving(status, data) as url, pytest.raises(PredictionError) as caught:
        ask(url)
    assert caught.value.status == status
    assert words in str(caught.value)


def test_a_failure_that_came_with_200_is_an_error():
    body = b'{"status":{"status":"FAILURE","info":"the combiner fell over"}}'
    with serving(200, body) as url, pytest.raises(PredictionError, match="combiner fell over"):
        ask(url)


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[1]", b""])
def test_what_is_no_message_is_told_without_its_content(body):
    with serving(200, body, "text/html") as url, pytest.raises(PredictionError) as caught:
        ask(url)
    assert "no message" in str(caught.value)
    assert "login" not in str(caught.value)


def test_a_long_reason_is_cut():
    body = json.dumps({"error": "x" * 10_000}).encode()
    with serving(500, body) as url, pytest.raises(PredictionError) as caught:
        ask(url)
    assert len(str(caught.value)) < 1_000


def test_a_service_that_hangs_is_given_up_after_the_timeout():
    release = threading.Event()
    with raw_server(lambda connection, number: release.wait(30)) as url:
        with pytest.raises(PredictionError, match=r"did not answer within 0\.2 s"):
            ask(url, timeout_seconds=0.2)
        release.set()


def test_a_refused_connection_says_that_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(PredictionError, match="nothing listens there") as caught:
        ask(f"http://127.0.0.1:{port}/predictions")
    assert caught.value.status is None


def test_an_unknown_host_is_named():
    with pytest.raises(PredictionError, match=r"cannot be reached at http://nowhere\.invalid/"):
        ask("http://nowhere.invalid/predictions")


def test_a_connection_that_is_cut_is_tried_once_more():
    body = b'{"strData":"x"}'
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)

    def answer(connection, number):
        connection.recv(65536)
        if number == 1:
            connection.sendall(head + body)

    with raw_server(answer) as url:
        assert ask(url) == {"strData": "x"}


def test_a_connection_that_is_always_cut_is_an_error():
    def hang_up(connection, number):
        connection.recv(65536)

    with (
        raw_server(hang_up) as url,
        pytest.raises(PredictionError, match="closed without an answer"),
    ):
        ask(url)


def test_an_answer_without_data_is_no_value():
    client = PredictionClient("iris", "http://127.0.0.1:1/")
    with pytest.raises(PredictionError, match="no readable data"):
        client.read(read_response, {"meta": {}})


def test_a_message_that_json_cannot_hold_is_not_sent():
    client = PredictionClient("iris", "http://127.0.0.1:1/")
    with pytest.raises(PayloadError, match="cannot be sent as JSON"):
        client.ask({"jsonData": float("nan")}, timeout_seconds=1)


def test_a_connection_is_used_again():
    connections = []

    def answer(connection, number):
        connections.append(number)
        body = b'{"strData":"x"}'
        seen = b""
        while received := connection.recv(65536):
            seen += received
            # Head and body may come apart: the answer follows the end of the body.
            if seen.endswith(b"}}"):
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
                connection.sendall(head + body)
                seen = b""

    with raw_server(answer) as url:
        client = PredictionClient("iris", url)
        for _ in range(5):
            client.ask(ROWS, timeout_seconds=10)
        client.close()
    assert connections == [0]


def test_an_array_goes_there_and_back():
    with serving(200, json.dumps({"data": {"ndarray": [[0.1, 0.9]]}}).encode()) as url:
        client = PredictionClient("iris", url)
        answer = client.ask(build_request(np.array([[1.0]])), timeout_seconds=10)
        assert client.read(read_response, answer).tolist() == [[0.1, 0.9]]
