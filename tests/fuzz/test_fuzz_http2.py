"""Bytes to the port of gRPC that are nearly HTTP/2: they end their own connection, nothing else."""

from __future__ import annotations

import re
import socket

import grpc_unit
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import searched

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8
ANSWER_SECONDS = 20
MEBIBYTE = 2**20
# Literals without names known before: `:method POST` and so on.
HEAD = b"".join(
    b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
    for name, value in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/seldon.protos.Model/Predict"),
        (b":authority", b"h"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
)
CALL = b"\x00\x00\x00\x00\x03\x2a\x01x"


def frame(
    kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", size: int = -1
) -> bytes:
    """One frame; `size` is what it says of its length where that is a lie."""
    length = len(payload) if size < 0 else size
    return length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


OPENED = PREFACE + frame(SETTINGS)
ASKED = OPENED + frame(HEADERS, END_HEADERS, 1, HEAD) + frame(DATA, END_STREAM, 1, CALL)


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["single", "workers"])
def unit(request, start_unit):
    ports = ("--grpc-port", "0", "--metrics-port", "0")
    return start_unit("searched.Echo", *ports, *request.param)


@pytest.fixture(scope="module")
def good(unit):
    return grpc_unit.connect(unit)


def address(unit) -> tuple[str, int]:
    found = re.search(r"listening on grpc://(\S+):(\d+)\n", unit.log.read_text())
    assert found
    return found[1], int(found[2])


def send(unit, data: bytes) -> bytes:
    """Send, close our side, and read until the other side is closed as well."""
    with socket.create_connection(address(unit), timeout=ANSWER_SECONDS) as client:
        received = b""
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                received += part
        except (ConnectionError, OSError):
            # It may end the connection while we send.
            pass
        return received


def check(unit, good) -> None:
    assert unit.process.poll() is None
    answer = good.ask("Model/Predict", {"strData": "good"})
    assert answer["strData"] == "good"


def resident_bytes(unit) -> int:
    family = psutil.Process(unit.process.pid)
    return sum(each.memory_info().rss for each in [family, *family.children(recursive=True)])


def test_a_call_by_hand_is_answered(unit, good):
    with socket.create_connection(address(unit), timeout=ANSWER_SECONDS) as client:
        client.sendall(ASKED)
        received = b""
        while CALL[5:] not in received:
            part = client.recv(65536)
            assert part
            received += part
    check(unit, good)


frames = st.builds(
    frame,
    st.integers(0, 12),
    st.integers(0, 255) | st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x2D]),
    st.sampled_from([0, 1, 2, 3, 5, 2**31 - 1, 2**32 - 1]),
    st.binary(max_size=20) | st.sampled_from([HEAD, CALL, bytes(8), b"\xff" * 4, bytes(6)]),
    st.just(-1) | st.sampled_from([0, 4, 16384, 16385, 2**24 - 1]),
)


@searched(150)
@given(st.lists(frames, max_size=6), st.booleans())
def test_frames_in_any_order(unit, good, given_frames, is_opened):
    send(unit, (OPENED if is_opened else PREFACE) + b"".join(given_frames))
    check(unit, good)


@searched(100)
@given(st.data())
def test_a_call_with_bytes_changed(unit, good, data):
    at = data.draw(st.integers(0, len(ASKED)))
    noise = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 3))
    send(unit, ASKED[:at] + noise + ASKED[at + cut :])
    check(unit, good)


FLOODS = {
    "settings": frame(SETTINGS) * 200_000,
    "pings": frame(PING, payload=bytes(8)) * 200_000,
    "a head without end": frame(HEADERS, 0, 1, HEAD)
    + frame(CONTINUATION, 0, 1, b"\x00\x01x\x7f\x81\x7f" + b"a" * 256) * 50_000,
    "empty continuations": frame(HEADERS, 0, 1, HEAD) + frame(CONTINUATION, 0, 1) * 200_000,
    "names that grow": frame(HEADERS, END_HEADERS, 1, b"\x40\x01x\x7f\x81\x1f" + b"a" * 4126)
    + frame(HEADERS, END_HEADERS, 3, b"\xbe" * 16_000) * 200,
    "streams that are reset": b"".join(
        frame(HEADERS, END_HEADERS, 2 * i + 1, HEAD) + frame(RESET, 0, 2 * i + 1, bytes(4))
        for i in range(20_000)
    ),
    "streams without end": b"".join(
        frame(HEADERS, END_HEADERS, 2 * i + 1, HEAD) for i in range(20_000)
    ),
    "data past the window": frame(HEADERS, END_HEADERS, 1, HEAD)
    + frame(DATA, 0, 1, bytes(16_384)) * 2_000,
    "windows": frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff") * 3,
    "priorities": frame(PRIORITY, 0, 1, bytes(5)) * 200_000,
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_is_no_burden(unit, good, what):
    before = resident_bytes(unit)
    send(unit, OPENED + FLOODS[what])
    check(unit, good)
    assert resident_bytes(unit) - before < 64 * MEBIBYTE


def test_what_clients_did_is_no_error_in_the_log(unit):
    assert "Traceback" not in unit.log.read_text()
