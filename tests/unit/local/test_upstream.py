import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.local.upstream import Response, parse_response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
)


def parse(data, *, is_head=False, at_end=False):
    return parse_response(data, is_head=is_head, at_end=at_end)


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED])
@given(cut=st.integers(0, 100))
def test_a_response_is_read_when_it_is_whole_and_not_before(whole, cut):
    part = parse(whole[:cut])

    assert (part is None) == (cut < len(whole))
    response, keep_alive = parse(whole)
    assert (response.status, response.body, keep_alive) == (200, b"hello", True)


def test_a_body_without_length_ends_with_its_connection():
    data = b"HTTP/1.1 200 OK\r\n\r\nhello"

    assert parse(data) is None
    assert parse(data, at_end=True) == (Response(200, (), b"hello"), False)


def test_a_closing_connection_is_not_kept():
    response, keep_alive = parse(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert response.body == b"hello"
    assert keep_alive is False


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_answers_have_no_body(status):
    response, keep_alive = parse(b"HTTP/1.1 " + status + b"\r\n\r\n")

    assert (response.body, keep_alive) == (b"", True)


def test_the_answer_to_head_has_a_length_and_no_body():
    head = PLAIN.partition(b"hello")[0]

    response, _ = parse(head, is_head=True)

    assert response.body == b""
    assert response.header(b"content-length") == b"5"


def test_an_interim_answer_is_passed_over():
    response, _ = parse(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN)

    assert response.status == 200


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n\r\n"])
def test_what_is_no_http_is_an_error(data):
    with pytest.raises(ValueError, match=r".*"):
        parse(data)
