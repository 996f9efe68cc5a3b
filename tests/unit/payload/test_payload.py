"""Messages and values, both ways."""

import json
import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import (
    Tensor,
    build_request,
    decode_message,
    decode_v2,
    encode_message,
    encode_v2,
    read_response,
    stack_columns,
    to_list,
)

NUMBERS = st.sampled_from(["float64", "float32", "int64", "uint8", "bool"])
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, max_side=4)


def finite_or_nan(dtype: str):
    if dtype.startswith("float"):
        return st.floats(allow_infinity=False, width=int(dtype[5:]))
    return arrays.from_dtype(np.dtype(dtype))


@st.composite
def number_arrays(draw, dtypes=NUMBERS):
    dtype = draw(dtypes)
    return draw(arrays.arrays(dtype, draw(SHAPES), elements=finite_or_nan(dtype)))


def over_the_wire(message):
    return json.loads(json.dumps(message, allow_nan=False))


@given(number_arrays(), st.sampled_from(["ndarray", "tensor"]))
def test_arrays_survive_a_seldon_message(array, form):
    payload = decode_message(over_the_wire(encode_message(array, like=form)))
    assert payload.value.shape == array.shape
    assert np.array_equal(payload.value, array.astype(float), equal_nan=True)


@given(number_arrays())
def test_arrays_survive_a_v2_message_with_their_type(array):
    message = {"outputs": [over_the_wire(encode_v2(Tensor("a", array)))]}
    [tensor] = decode_v2(message, "outputs")
    assert tensor.array.dtype == array.dtype
    equal_nan = array.dtype.kind == "f"
    assert np.array_equal(tensor.array, array, equal_nan=equal_nan)


@given(number_arrays(), st.sampled_from(["seldon", "v2"]))
def test_a_request_is_read_as_what_was_given(array, protocol):
    message = over_the_wire(build_request(array, protocol=protocol))
    if protocol == "v2":
        value, names = stack_columns(decode_v2(message, "inputs"))
        assert names == []
    else:
        value = decode_message(message).value
    assert np.array_equal(value, array.astype(float), equal_nan=True)


@given(st.binary())
def test_bytes_survive(value):
    assert decode_message(over_the_wire(encode_message(value))).value == value


@given(st.text())
def test_text_survives(value):
    assert decode_message(over_the_wire(encode_message(value))).value == value


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_json_is_decoded_or_refused_in_our_own_words(value):
    for message in ({"data": {"ndarray": value}}, {"data": {"tensor": value}}, {"binData": value}):
        with suppress(PayloadError):
            assert decode_message(message).form in ("ndarray", "tensor", "binData")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0], {"data": {"names": [], "tensor": {"shape": [2], "values": [1.0, 2.0]}}}),
        ([["a"]], {"data": {"names": ["t:0"], "ndarray": [["a"]]}}),
        ([[True]], {"data": {"names": ["t:0"], "ndarray": [[True]]}}),
        ({"a": 1}, {"jsonData": {"a": 1}}),
        ("text", {"strData": "text"}),
        (b"\x00", {"binData": "AA=="}),
    ],
)
def test_values_are_written_in_the_form_of_their_type(value, message):
    assert encode_message(value) == message


@pytest.mark.parametrize("value", [None, 3, 3.5, object()])
def test_what_is_no_payload_is_refused_with_seldons_words(value):
    with pytest.raises(PayloadError, match=r"Unknown data type returned as payload"):
        encode_message(value)


@pytest.mark.parametrize("value", [[[math.inf]], [1j], [[1], [1, 2]]])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(PayloadError):
        encode_message(value)


def test_numbers_beside_text_stay_numbers():
    value = decode_message({"data": {"ndarray": [["a", 1.5]]}}).value
    assert value.tolist() == [["a", 1.5]]
    assert value.dtype == object


def test_null_among_numbers_is_nan():
    value = decode_message({"data": {"ndarray": [[None, 1.5]]}}).value
    assert value.dtype == float
    assert np.isnan(value[0, 0])
    assert to_list(value) == [[None, 1.5]]


class Frame:
    """What a pandas frame looks like from outside."""

    columns = ("width", "colour")

    def __getitem__(self, name):
        return {"width": np.array([1.5, 2.5]), "colour": np.array(["red", "blue"])}[name]

    def to_numpy(self):
        return np.array([[1.5, "red"], [2.5, "blue"]], dtype=object)

    def __array__(self, dtype=None, copy=None):
        return self.to_numpy()


def test_a_frame_gives_names_and_rows():
    assert build_request(Frame()) == {
        "data": {"names": ["width", "colour"], "ndarray": [[1.5, "red"], [2.5, "blue"]]}
    }


def test_a_frame_gives_one_v2_input_per_column():
    message = build_request(Frame(), protocol="v2")
    assert message["parameters"] == {"content_type": "pd"}
    assert [(i["name"], i["shape"], i["datatype"]) for i in message["inputs"]] == [
        ("width", [2, 1], "FP64"),
        ("colour", [2, 1], "BYTES"),
    ]
    value, names = stack_columns(decode_v2(message, "inputs"))
    assert value.tolist() == [[1.5, "red"], [2.5, "blue"]]
    assert names == ["width", "colour"]


def test_a_dict_is_a_whole_message_already():
    message = {"data": {"ndarray": []}, "meta": {"puid": "x"}}
    assert build_request(message) is message


def test_a_single_number_is_no_list_of_rows():
    with pytest.raises(PayloadError, match="no list of rows"):
        build_request(3.5)


def test_one_v2_output_is_an_array_and_several_are_named():
    one = encode_v2(Tensor("a", np.array([[1]])))
    two = encode_v2(Tensor("b", np.array([[2.5]])))
    assert read_response({"outputs": [one]}, protocol="v2").tolist() == [[1]]
    both = read_response({"outputs": [one, two]}, protocol="v2")
    assert {name: array.tolist() for name, array in both.items()} == {"a": [[1]], "b": [[2.5]]}


@pytest.mark.parametrize(
    "tensor",
    [
        {},
        {"name": "a"},
        {"name": "a", "datatype": "FLOAT", "shape": [1], "data": [1]},
        {"name": "a", "datatype": "FP32", "shape": [2], "data": [1]},
        {"name": "a", "datatype": "FP32", "shape": "x", "data": [1]},
        {"name": "a", "datatype": "FP32", "shape": [1], "data": ["x"]},
        {"name": "a", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}},
        {"name": "a", "datatype": "UINT8", "shape": [1], "data": [300]},
        {"name": "a", "datatype": "UINT8", "shape": [1], "data": [-1]},
        {"name": "a", "datatype": "INT64", "shape": [1], "data": [0.5]},
        {"name": "a", "datatype": "BOOL", "shape": [1], "data": [2]},
        {"name": "a", "datatype": [], "shape": [1], "data": [2]},
    ],
)
def test_malformed_v2_tensors_are_refused(tensor):
    with pytest.raises(PayloadError):
        decode_v2({"inputs": [tensor]}, "inputs")
