"""Clients that are slow, endless, half gone, or no HTTP at all: they harm themselves alone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import searched

BODY = b'{"strData":"x"}'
HEAD = b"POST /predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Content-Length: 15\r\n\r\n" + BODY
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: h2c\r\n"
# Less than it takes on a busy machine to be told that a request is refused.
CLIENT_SECONDS = 2
ANSWER_SECONDS = 20
DRIP_SECONDS = 0.05
MEBIBYTE = 2**20


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["single", "workers"])
def unit(request, start_unit):
    arguments = ("--metrics-port", "0", "--max-body-bytes", str(MEBIBYTE))
    slow = ("--client-seconds", str(CLIENT_SECONDS))
    return start_unit("searched.Echo", *arguments, *slow, *request.param)


@pytest.fixture(autouse=True)
def server_goes_on(unit):
    before = unit.process.pid
    yield
    assert unit.process.poll() is None
    assert unit.process.pid == before
    assert unit.predict({"strData": "good"})["strData"] == "good"


def connect(unit):
    address = urlsplit(unit.url)
    return socket.create_connection((address.hostname, address.port), timeout=ANSWER_SECONDS)


def exchange(unit, *parts: bytes, closes_its_side: bool = False) -> bytes:
    """Send, and read until the server closes; it may before it has read all."""
    with connect(unit) as client:
        try:
            for part in parts:
                client.sendall(part)
            if closes_its_side:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(client)


def read_all(client) -> bytes:
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionError:
        pass
    return received


def resident_bytes(unit) -> int:
    family = psutil.Process(unit.process.pid)
    return sum(each.memory_info().rss for each in [family, *family.children(recursive=True)])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


ENDLESS = {
    "a header": (HEAD + b"X: ", b"a" * MEBIBYTE),
    "headers": (HEAD, b"X-Y: z\r\n" * 100_000),
    "a path": (b"GET /", b"a" * MEBIBYTE),
    "the name of a chunk": (CHUNKED + b"1;", b"a" * MEBIBYTE),
    "trailers": (CHUNKED + b"f\r\n" + BODY + b"\r\n0\r\n", b"X: " + b"a" * 1000 + b"\r\n"),
}


# Half of what is sent: a worker's first request takes some memory for good.
MOST_BYTES = 32 * MEBIBYTE


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_cut_before_it_takes_memory(unit, what):
    first, then = ENDLESS[what]
    before = resident_bytes(unit)
    answer = exchange(unit, first, *[then] * (64 if len(then) > 10_000 else 10_000))
    # A reset may have taken the answer with it, where the client was still sending.
    assert answer == b"" or status_of(answer) == 431
    assert resident_bytes(unit) - before < MOST_BYTES


def test_a_body_past_the_limit_is_cut(unit):
    size = b"Content-Length: %d\r\n\r\n" % (100 * MEBIBYTE)
    before = resident_bytes(unit)
    answer = exchange(unit, HEAD + size, *[b"[" * MEBIBYTE] * 100)
    assert answer == b"" or status_of(answer) == 413
    assert resident_bytes(unit) - before < MOST_BYTES


BROKEN = {
    "no HTTP": b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 15\r\nContent-Length: 16\r\n\r\n" + BODY,
    "a length and chunks": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a chunk of no size": CHUNKED + b"zz\r\n" + BODY,
    "a chunk of more than all memory": CHUNKED + b"f" * 17 + b"\r\n",
    "a path that is no ASCII": b"GET /\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tunnel": b"CONNECT x:1 HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_request_is_answered_400(unit, what):
    assert status_of(exchange(unit, BROKEN[what])) == 400


def test_what_is_cut_short_gets_no_answer(unit):
    for cut in (REQUEST[:-5], CHUNKED + b'f\r\n{"str', HEAD, b"", b"P"):
        assert exchange(unit, cut, closes_its_side=True) == b""


@pytest.mark.parametrize("upgrade", [UPGRADE, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
def test_an_upgrade_is_passed_over(unit, upgrade):
    """Java's client asks for HTTP/2 with its first request, whose body counts all the same."""
    asked = HEAD + upgrade + b"Content-Length: 15\r\n\r\n" + BODY
    in_parts = [asked[:40], asked[40:-7], asked[-7:]]
    for sent in ([asked], [asked + REQUEST], [asked, REQUEST], [*in_parts, REQUEST]):
        answer = exchange(unit, *sent, closes_its_side=True)
        count = b"".join(sent).count(b"POST")
        assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b'"strData":"x"') == count


def test_requests_in_a_row_are_answered_in_a_row(unit):
    bodies = [b'{"strData":"%04d"}' % number for number in range(300)]
    sent = b"".join(HEAD + b"Content-Length: 18\r\n\r\n" + body for body in bodies)
    answer = exchange(unit, sent, closes_its_side=True)
    places = [answer.index(b'"%04d"' % number) for number in range(300)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200 OK") == 300


@pytest.mark.parametrize(
    "behind", [b"garbage\r\n\r\n" + REQUEST, REQUEST[:-3], HEAD, CHUNKED + b"zz"]
)
@pytest.mark.parametrize("count", [1, 3])
def test_what_comes_behind_whole_requests_does_not_take_their_answers(unit, behind, count):
    answer = exchange(unit, REQUEST * count + behind, closes_its_side=True)
    assert answer.count(b'"strData":"x"') == count


def test_clients_that_keep_silent_are_let_go(unit):
    starts = (b"", b"POST", HEAD, REQUEST[:-1], CHUNKED + b"1\r\n")
    clients = [connect(unit) for _ in starts]
    for client, start in zip(clients, starts, strict=True):
        client.sendall(start)
    began = time.monotonic()
    for client in clients:
        with client:
            assert status_of(read_all(client)) == 408
    assert time.monotonic() - began < CLIENT_SECONDS + 10


def test_a_head_a_byte_at_a_time_has_an_end(unit):
    with connect(unit) as client, pytest.raises(ConnectionError):
        drip(client, int(CLIENT_SECONDS / DRIP_SECONDS) + 200)


def drip(client, count: int) -> None:
    client.sendall(HEAD + b"X: ")
    for _ in range(count):
        client.sendall(b"P")
        time.sleep(DRIP_SECONDS)


def test_a_body_that_goes_on_is_waited_for(unit):
    with connect(unit) as client:
        client.sendall(REQUEST[: -len(BODY)])
        for i in range(len(BODY)):
            time.sleep(CLIENT_SECONDS * 1.5 / len(BODY))
            client.sendall(BODY[i : i + 1])
        client.shutdown(socket.SHUT_WR)
        assert b'"strData":"x"' in read_all(client)


def test_a_client_between_two_requests_is_not_slow(unit):
    with connect(unit) as client:
        for _ in range(2):
            client.sendall(REQUEST)
            answer = b""
            while not answer.endswith(b"}\n"):
                part = client.recv(65536)
                assert part
                answer += part
            assert status_of(answer) == 200
            time.sleep(CLIENT_SECONDS + 1.5)


def test_many_slow_clients_hold_up_nobody(unit):
    clients = [connect(unit) for _ in range(100)]
    for client in clients:
        client.sendall(HEAD)
    slowest = 0.0
    for _ in range(20):
        started = time.perf_counter()
        assert unit.predict({"strData": "x"})
        slowest = max(slowest, time.perf_counter() - started)
    for client in clients:
        client.close()
    assert slowest < 5


def test_a_client_that_reads_no_answers_holds_up_nobody(unit):
    large = b'{"strData":"%s"}' % (b"x" * 500_000)
    sent = HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large
    with connect(unit) as client:
        # It waits with a part of what it sends, for nobody reads the answers.
        sender = threading.Thread(target=send_quietly, args=(client, sent * 20), daemon=True)
        sender.start()
        for _ in range(20):
            assert unit.predict({"strData": "x"})
    sender.join(ANSWER_SECONDS)


def send_quietly(client, data: bytes) -> None:
    with suppress(OSError):
        client.sendall(data)


@searched(150)
@given(st.data())
def test_requests_with_bytes_changed_harm_nobody(unit, data):
    sent = data.draw(st.sampled_from([REQUEST, CHUNKED + b"f\r\n" + BODY + b"\r\n0\r\n\r\n"]))
    at = data.draw(st.integers(0, len(sent)))
    noise = data.draw(st.binary(max_size=5) | st.sampled_from([b"\r\n", b"\0", b": ", b"\r\n\r\n"]))
    cut = data.draw(st.integers(0, 3))
    answer = exchange(unit, sent[:at] + noise + sent[at + cut :], closes_its_side=True)
    # What is left may be two requests, or none.
    for each in answer.split(b"HTTP/1.1 ")[1:]:
        assert int(each[:3]) in (200, 400, 404, 405, 413), answer
    assert b"Traceback" not in answer


def test_what_clients_did_is_no_error_in_the_log(unit):
    log = unit.log.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
