"""Messages, requests and statuses of gRPC on the wire, without a connection."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.rpc.fields import LARGE_BYTES, join_field, settle_field, split_field
from seldon_deployer.rpc.messages import (
    MessageReader,
    decompress,
    read_timeout,
    write_prefix,
    write_timeout,
)
from seldon_deployer.rpc.request import read_request
from seldon_deployer.rpc.status import RpcError, StatusCode, read_status, status_headers

CALL = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/a/b"))
GRPC = ((b"content-type", b"application/grpc"),)


@given(st.lists(st.binary(max_size=200), max_size=5), st.lists(st.integers(1, 50)))
def test_messages_are_the_same_however_their_bytes_are_cut(messages, cuts):
    stream = b"".join(part for each in messages for part in (write_prefix([each]), each))
    reader, found, at = MessageReader(1000), [], 0
    for cut in [*cuts, len(stream)]:
        found += reader.take(memoryview(stream)[at : at + cut])
        at += cut
    assert [bytes(each) for each in found] == messages
    assert reader.is_between


def test_a_message_past_the_limit_is_refused_by_its_length_alone():
    with pytest.raises(RpcError, match="1001 bytes, more than the 1000") as raised:
        MessageReader(1000).take(memoryview(b"\0\0\0\x03\xe9"))
    assert raised.value.code == StatusCode.RESOURCE_EXHAUSTED


@given(st.binary(max_size=2000))
def test_compressed_messages_are_read_and_never_grow_past_the_limit(content):
    assert decompress(gzip.compress(content), b"gzip", 2000) == content
    assert decompress(zlib.compress(content), b"deflate", 2000) == content
    bomb = gzip.compress(bytes(1_000_000))
    with pytest.raises(RpcError, match="more than the 2000"):
        decompress(bomb, b"gzip", 2000)


@pytest.mark.parametrize(
    ("content", "encoding", "code"),
    [
        (b"no gzip", b"gzip", StatusCode.INTERNAL),
        (gzip.compress(b"x" * 100, mtime=0)[:-9], b"gzip", StatusCode.INTERNAL),
        (b"", b"snappy", StatusCode.UNIMPLEMENTED),
        (b"", b"identity", StatusCode.INTERNAL),
    ],
)
def test_what_is_not_compressed_as_it_says_is_refused(content, encoding, code):
    with pytest.raises(RpcError) as raised:
        decompress(content, encoding, 1000)
    assert raised.value.code == code


@given(st.sampled_from(list(StatusCode)), st.text())
def test_a_status_arrives_with_its_words(code, details):
    headers = dict(status_headers(code, details))
    assert all(value.isascii() and value.decode().isprintable() for value in headers.values())
    assert read_status(headers) == (code, details)


def test_a_status_that_no_list_has_is_unknown():
    assert read_status({b"grpc-status": b"99"}) == (StatusCode.UNKNOWN, "")
    assert read_status({b"grpc-status": b"x"}) == (StatusCode.UNKNOWN, "")
    assert read_status({}) is None


@given(st.floats(0.001, 1e8))
def test_a_timeout_arrives_as_it_was_within_a_millisecond(seconds):
    read = read_timeout(write_timeout(seconds))
    assert read == pytest.approx(seconds, abs=1 if seconds >= 99_999 else 0.0011)


@pytest.mark.parametrize("text", [b"", b"5", b"S", b"-1S", b"123456789S", b"1s", b"1.5S"])
def test_a_timeout_that_is_none_is_none(text):
    assert read_timeout(text) is None


def test_what_is_no_call_of_grpc_is_refused_in_http():
    assert read_request((*CALL, *GRPC)).refusal is None
    assert (b":status", b"415") in read_request(CALL).refusal
    assert (b":status", b"405") in read_request(((b":method", b"GET"), *CALL[1:], *GRPC)).refusal


@given(st.binary(max_size=20), st.integers(LARGE_BYTES, LARGE_BYTES + 20), st.integers(0, 9))
def test_a_large_field_is_moved_over_what_nobody_needs_and_stays_the_same(first, size, before):
    value = bytes(range(256)) * (size // 256) + bytes(size % 256)
    parts = [b"".join(join_field(1, first)), b"".join(join_field(2, value))]
    content = bytearray(b"".join(parts))
    _, [found] = split_field(content, 2)
    settled = settle_field(found, before=before)
    assert settled == value
    assert content[: len(parts[0])] == parts[0] or before > 4
    assert settle_field(memoryview(bytes(content)), before=before) == bytes(content)
