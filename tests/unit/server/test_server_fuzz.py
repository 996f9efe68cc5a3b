"""Whatever a client sends, to whichever route: an answer that is its own, in time, and no 500."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The class answers the same to everybody, so that every 500 would be the server's own.
SLOW_BYTES_SECONDS = 0.01
FUZZ = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(2**63), 2**64, 0.0, -0.0, 1e308, float("nan"), float("inf")]),
    st.floats(),
    st.text(max_size=6),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def some_of(**fields):
    """An object with some of these fields, each as it should be or not at all."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(right, anything) for name, right in fields.items()}
    )


rows = st.lists(st.lists(scalars, max_size=3), max_size=3)
shapes = st.lists(st.integers(-2, 5) | st.just(2**40), max_size=4)
messages = some_of(
    data=some_of(
        names=st.lists(st.text(max_size=3), max_size=3),
        ndarray=rows,
        tensor=some_of(shape=shapes, values=st.lists(scalars, max_size=6)),
    ),
    strData=st.text(),
    binData=st.text(max_size=8),
    jsonData=anything,
    meta=some_of(puid=st.text(), tags=anything, requestPath=anything, metrics=anything),
)
tensors = st.lists(
    some_of(
        name=st.text(max_size=4),
        shape=shapes,
        datatype=st.sampled_from(["FP64", "FP16", "INT8", "UINT64", "BYTES", "BOOL", "FP99"]),
        data=rows | st.lists(scalars, max_size=6),
        parameters=some_of(binary_data_size=st.integers(-1, 9)),
    ),
    max_size=3,
)
v2_messages = some_of(
    id=st.text(max_size=4),
    inputs=tensors,
    outputs=tensors,
    parameters=some_of(binary_data_output=st.booleans()),
)
feedbacks = some_of(request=messages, response=messages, truth=messages, reward=st.floats())
documents = st.one_of(
    messages,
    v2_messages,
    feedbacks,
    st.lists(messages | v2_messages, max_size=3),
    some_of(seldonMessages=st.lists(messages, max_size=3)),
    anything,
)
nested = st.builds(
    lambda depth, opened, closed: opened * depth + closed * depth,
    st.sampled_from([5, 900, 1100, 3000]),
    st.sampled_from(["[", '{"a":', '{"data":{"ndarray":[', '{"jsonData":']),
    st.sampled_from(["", "]", "}", "]}}"]),
)
bodies = st.one_of(
    documents.map(json.dumps).map(str.encode),
    nested.map(str.encode),
    st.binary(max_size=60),
    st.tuples(documents, st.binary(max_size=20)).map(
        lambda both: json.dumps(both[0]).encode() + both[1]
    ),
)
kinds = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=XX",
        "multipart/form-data",
        "text/plain",
        "",
    ]
)


@pytest.fixture(scope="module")
def unit(start_unit):
    return start_unit("observed.Sturdy", "--max-body-bytes", "100000")


@pytest.fixture(scope="module")
def routes(unit):
    document = unit.get("/seldon.json").json()
    return sorted((p, m.upper()) for p, methods in document["paths"].items() for m in methods)


@FUZZ
@given(st.integers(0, 10_000), bodies, kinds, st.none() | st.integers(-1, 300))
def test_no_body_makes_any_route_fail(unit, routes, which, body, kind, json_bytes):
    path, method = routes[which % len(routes)]
    headers = {"Content-Type": kind}
    if json_bytes is not None:
        headers["Inference-Header-Content-Length"] = str(json_bytes)
    answer = unit.http.request(
        method, unit.url + path, body=body, headers=headers, timeout=20, retries=False
    )
    assert answer.status in (200, 400), (answer.status, answer.data)
    if answer.status == 400:
        told = answer.json()
        info = told["error"] if path.startswith("/v2") else told["status"]["info"]
        assert info
        assert "Traceback" not in info
        assert len(answer.data) < 10_000


@FUZZ
@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_are_no_http_harm_nobody(unit, noise, as_request):
    head = b"POST /predict HTTP/1.1\r\n" if as_request else b""
    with connect(unit) as client:
        client.sendall(head + noise)
        client.shutdown(socket.SHUT_WR)
        read_all(client)
    assert unit.get("/health/ping").data == b"pong"


REQUEST = b"""POST /predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
Content-Length: 15\r\n\r\n{"strData":"x"}"""


def connect(unit):
    address = urlsplit(unit.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def read_all(client):
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_that_closes_its_side_gets_all_its_answers(unit, count):
    with connect(unit) as client:
        client.sendall(REQUEST * count)
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
    assert answer.count(b"HTTP/1.1 200 OK") == count
    assert answer.endswith(b"\n")


def test_a_client_that_closes_in_the_middle_is_let_go(unit):
    with connect(unit) as client:
        client.sendall(REQUEST[:-5])
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


def test_a_slow_client_holds_up_nobody(unit):
    with connect(unit) as client:
        for i in range(len(REQUEST) - 1):
            client.sendall(REQUEST[i : i + 1])
            if i % 20 == 0:
                started = time.perf_counter()
                assert unit.predict({"strData": "x"})
                assert time.perf_counter() - started < 5
            time.sleep(SLOW_BYTES_SECONDS)
        client.sendall(REQUEST[-1:])
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 200 OK")
