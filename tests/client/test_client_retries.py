"""When a request is sent again: where the model has not seen it, or where that was asked for."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from answering import Answer, raw_server, read_request, serving
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.client import Retries
from seldon_deployer.client.messages import Call, NoReply, Reply
from seldon_deployer.client.retries import read_retry_after
from seldon_deployer.errors import PredictionError

GOOD = Answer(200, {"strData": "x"})
BUSY = Answer(503, b"busy", {"Retry-After": "0"})
AGAIN = Retries(after_sending=True)


@pytest.mark.parametrize("status", [429, 502, 503])
def test_who_is_told_to_come_again_comes_again(make_client, status):
    answers = [Answer(status, b"", {"Retry-After": "0"}), GOOD]
    with serving(answers) as server:
        assert make_client(server.url).predict("a") == "x"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 500, 502, 503, 504])
def test_an_error_that_names_no_time_is_final(make_client, status):
    with serving([Answer(status), GOOD]) as server:
        with pytest.raises(PredictionError):
            make_client(server.url).predict("a")
        assert len(server.requests) == 1


def test_coming_again_ends(make_client):
    with serving(BUSY) as server:
        with pytest.raises(PredictionError, match="HTTP 503"):
            make_client(server.url, retries=Retries(attempts=4)).predict("a")
        assert len(server.requests) == 4


def test_who_is_told_to_come_later_than_the_timeout_does_not_wait(make_client):
    with serving(Answer(503, b"", {"Retry-After": "3600"})) as server:
        began = time.monotonic()
        with pytest.raises(PredictionError, match="HTTP 503"):
            make_client(server.url, timeout_seconds=5).predict("a")
    assert len(server.requests) == 1
    assert time.monotonic() - began < 5


def test_a_server_that_comes_up_in_time_is_reached(make_client):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}", retries=Retries(attempts=50))
    listening: list[socket.socket] = []

    def come_up() -> None:
        listening.append(socket.create_server(("127.0.0.1", port)))
        connection, _ = listening[0].accept()
        with connection:
            read_request(connection)
            body = b'{"strData":"x"}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    timer = threading.Timer(0.3, come_up)
    timer.start()
    try:
        assert client.predict("a", timeout_seconds=30) == "x"
    finally:
        timer.join()
        listening[0].close()


def cutting(times: int, seen: list[int]):
    """Takes the request and hangs up, so many times; then answers."""

    def answer(connection: socket.socket, number: int) -> None:
        read_request(connection)
        seen.append(number)
        if number >= times:
            body = b'{"strData":"x"}'
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % len(body) + body)

    return answer


def test_a_request_that_may_have_been_worked_on_is_not_sent_again(make_client):
    seen: list[int] = []
    with raw_server(cutting(1, seen)) as url, pytest.raises(PredictionError) as caught:
        make_client(url).predict("a")
    assert "its answer was lost" in str(caught.value)
    assert "Retries(after_sending=True)" in caught.value.hint
    assert seen == [0]


def test_a_request_that_may_have_been_worked_on_is_sent_again_where_that_was_asked(make_client):
    seen: list[int] = []
    with raw_server(cutting(2, seen)) as url:
        assert make_client(url, retries=AGAIN).predict("a") == "x"
    assert seen == [0, 1, 2]


def test_feedback_is_never_sent_twice(make_client):
    seen: list[int] = []
    with raw_server(cutting(1, seen)) as url, pytest.raises(PredictionError) as caught:
        make_client(url, retries=AGAIN).feedback(reward=1)
    assert "whether it counted is not known" in str(caught.value)
    assert seen == [0]


outcomes = st.one_of(
    st.builds(NoReply, st.just("why"), is_sent=st.booleans(), is_lasting=st.booleans()),
    st.builds(
        Reply,
        st.integers(200, 599),
        st.sampled_from([{}, {"retry-after": "1"}, {"retry-after": "soon"}]),
        st.just(b""),
    ),
)


@given(
    outcomes,
    st.builds(Retries, st.integers(1, 5), st.booleans()),
    st.integers(1, 6),
    st.floats(0, 100),
    st.booleans(),
)
def test_what_may_have_been_worked_on_is_repeated_only_where_asked_and_harmless(
    outcome, retries, attempt, left, is_repeatable
):
    call = Call("POST", "http://x", {}, (), is_repeatable)
    wait = retries.wait_seconds(call, outcome, attempt=attempt, left_seconds=left)
    if wait is None:
        return
    assert 0 <= wait < left
    assert attempt < retries.attempts
    if isinstance(outcome, NoReply):
        was_turned_away = not outcome.is_sent
        assert not outcome.is_lasting
    else:
        was_turned_away = "retry-after" in outcome.headers and outcome.status in {429, 502, 503}
        assert outcome.status in {429, 502, 503, 504}
    assert was_turned_away or (retries.after_sending and is_repeatable)


def test_a_date_to_come_again_is_read():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < (read_retry_after(later) or 0) <= 90
    assert read_retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0


@given(st.text())
def test_any_time_to_come_again_is_read_or_passed_over(value):
    told = read_retry_after(value)
    assert told is None or told >= 0
