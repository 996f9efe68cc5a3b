"""V2's binary tensor data: arrays as bytes, and messages with bytes behind their JSON."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Tensor, decode_v2, encode_v2
from seldon_deployer.payload.datatypes import DTYPES, datatype_of
from seldon_deployer.payload.v2_binary import attach_binary, decode_raw, detach_binary, encode_raw

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
TEXTS = st.text()
NUMBERS = sorted(set(DTYPES.values()) - {"object"})


@st.composite
def number_arrays(draw):
    array = draw(arrays.arrays(draw(st.sampled_from(NUMBERS)), draw(SHAPES)))
    # Not only arrays that lie in row order.
    return array.T if draw(st.booleans()) else array


@st.composite
def text_arrays(draw, texts=TEXTS):
    array = np.empty(draw(SHAPES), dtype=object)
    array.flat = [draw(texts) for _ in range(array.size)]
    return array


def send(tensors, **more):
    """A message over HTTP and back: the JSON through JSON, the parts joined."""
    message = {"outputs": [encode_v2(tensor, as_array=True) for tensor in tensors], **more}
    described, parts = detach_binary(message, "outputs")
    text = json.dumps(described)
    return attach_binary(json.loads(text), "outputs", b"".join(parts))


def same(left, right):
    equal_nan = left.dtype.kind == "f"
    return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=equal_nan)


@given(st.lists(number_arrays() | text_arrays(), min_size=1, max_size=4))
def test_tensors_survive_with_their_type_shape_and_every_bit_of_their_values(given_arrays):
    tensors = [Tensor(f"t{i}", array) for i, array in enumerate(given_arrays)]
    for tensor, answered in zip(tensors, decode_v2(send(tensors), "outputs"), strict=True):
        assert answered.name == tensor.name
        assert answered.array.shape == tensor.array.shape
        assert same(tensor.array, answered.array)


@given(text_arrays(st.binary()))
def test_bytes_are_text_exactly_where_all_of_them_are_utf8(array):
    answered = decode_raw(encode_raw(array), "BYTES", "it")
    try:
        wanted = [text.decode() for text in array.flat]
    except UnicodeDecodeError:
        wanted = list(array.flat)
    assert list(answered) == wanted


@given(number_arrays(), st.sampled_from([bytes, bytearray]), st.integers(0, 8))
def test_an_array_from_bytes_may_be_written_to_and_lies_at_its_place(array, kind, offset):
    raw = memoryview(kind(bytes(offset) + bytes(encode_raw(array))))[offset:]
    answered = decode_raw(raw, datatype_of(array), "it")
    assert answered.flags.writeable
    assert answered.flags.aligned
    assert same(array.ravel(), answered)


def test_an_array_lies_in_the_bytes_that_came_where_that_can_be():
    raw = bytearray(np.arange(8.0).tobytes())
    answered = decode_raw(raw, "FP64", "it")
    answered[0] = 7
    assert np.frombuffer(raw)[0] == 7


@given(number_arrays())
def test_an_array_in_row_order_is_written_without_a_copy(array):
    lies_in_order = array.flags.c_contiguous
    written = np.frombuffer(encode_raw(array), "uint8")
    assert np.shares_memory(written, array) == (lies_in_order and array.size > 0)


def test_tensors_with_and_without_binary_data_go_together():
    binary = {"name": "b", "shape": [2], "datatype": "INT8", "parameters": {"binary_data_size": 2}}
    plain = {"name": "p", "shape": [1], "datatype": "FP32", "data": [1.5]}
    message = {"id": "7", "inputs": [plain, binary]}
    attached = attach_binary(message, "inputs", b"\x01\xff")
    assert attached["id"] == "7"
    assert [list(each.array) for each in decode_v2(attached, "inputs")] == [[1.5], [1, -1]]
    # What was given stays as it was.
    assert "data" not in binary


@pytest.mark.parametrize(
    ("tensor", "raw", "words"),
    [
        ({"parameters": {"binary_data_size": 9}}, b"12345678", "tells 9 bytes, but 8 are left"),
        (
            {"parameters": {"binary_data_size": 4}, "datatype": "FP32"},
            b"12345678",
            "4 bytes after the tensors",
        ),
        ({"parameters": {"binary_data_size": -1}}, b"", "is no number of bytes"),
        ({"parameters": {"binary_data_size": True}}, b"1", "is no number of bytes"),
        ({"parameters": {"binary_data_size": "8"}}, b"12345678", "is no number of bytes"),
        ({"parameters": {"binary_data_size": 7}}, b"1234567", "no multiple of a FP64's"),
        ({"parameters": {"binary_data_size": 8}, "data": [1]}, b"12345678", "both data and"),
        ({"parameters": {"binary_data_size": 8}, "datatype": "FP8"}, b"12345678", "none of BOOL"),
        ({"parameters": {"binary_data_size": 1}, "datatype": "BOOL"}, b"\x02", "no BOOL"),
        ({"parameters": {"binary_data_size": 3}, "datatype": "BYTES"}, b"\1\0\0", "ends within"),
        (
            {"parameters": {"binary_data_size": 5}, "datatype": "BYTES"},
            b"\xff\xff\xff\xffa",
            "ends within a text",
        ),
        ({"parameters": {}}, b"1", "belong to none"),
    ],
)
def test_sizes_that_do_not_agree_are_refused(tensor, raw, words):
    message = {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", **tensor}]}
    with pytest.raises(PayloadError, match=words):
        attach_binary(message, "inputs", raw)


@given(st.binary(max_size=64), st.sampled_from(sorted(DTYPES)))
def test_any_bytes_are_a_tensor_or_refused_in_our_own_words(raw, datatype):
    try:
        array = decode_raw(raw, datatype, "it")
    except PayloadError:
        return
    assert bytes(encode_raw(array)) == raw
