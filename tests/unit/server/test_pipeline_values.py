"""What pipelines of texts are given and return, as messages hold it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.payload import Tensor
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.inference import Inference
from seldon_deployer.server.pipeline_values import (
    read_inputs,
    read_value,
    to_plain,
    write_output,
)

# Without the characters that UTF-8 cannot hold.
texts = st.text(st.characters(exclude_categories=["Cs"]))
# None of those that are refused, which are found among the constants of the code.
names = texts.filter(lambda name: "_" not in name)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
)  # fmt: skip


def inputs(kinds=None, **values):
    tensors = [Tensor(name, np.array(value, object)) for name, value in values.items()]
    return Inference(tensors, input_types=kinds or {})


@given(plain)
def test_what_json_holds_is_answered_as_it_is(value):
    assert to_plain(value) == value


@given(plain)
def test_an_output_holds_a_document_for_each_element(value):
    output = write_output(value)

    listed = value if isinstance(value, list) else [value]
    assert output.array.shape == (len(listed), 1)
    assert [json.loads(text) for text in output.array.ravel()] == listed


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "uint64", "bool"])
@given(st.lists(st.integers(0, 1), min_size=1))
def test_numbers_of_numpy_are_those_of_json(kind, numbers):
    array = np.array(numbers, kind)

    answer = to_plain([{"scores": array, "first": array[0], "all": tuple(array)}])

    python = array.tolist()
    assert answer == [{"scores": python, "first": python[0], "all": python}]
    assert type(answer[0]["first"]) is type(python[0])
    json.dumps(answer)


def test_a_float_of_32_bits_keeps_its_value():
    assert to_plain(np.float32(0.1)) == float(np.float32(0.1)) != 0.1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float32("-inf")])
def test_what_is_no_number_is_null(number):
    assert to_plain({"score": number}) == {"score": None}


def test_an_answer_that_json_cannot_hold_is_an_error_of_the_model():
    with pytest.raises(UnitError, match="it holds a object") as caught:
        to_plain([object()])

    assert caught.value.status_code == 500


@given(st.lists(texts, min_size=1))
def test_texts_arrive_as_they_were_sent_by_each_way(given_texts):
    one = given_texts[0] if len(given_texts) == 1 else given_texts
    column = np.array([[text] for text in given_texts], object)

    assert read_value(np.array(given_texts, object)).given == (given_texts,)
    assert read_value(column).given == (given_texts,)
    assert read_value({"inputs": given_texts}).given == (given_texts,)
    assert read_inputs(inputs(array_inputs=given_texts)).given == (given_texts,)
    encoded = [text.encode() for text in given_texts]
    assert read_inputs(inputs(args=encoded)).given == (one,)
    assert read_inputs(inputs(whatever=given_texts)).given == (one,)


@given(st.lists(plain, min_size=1))
def test_content_types_of_mlserver_are_read(values):
    documents = [json.dumps(value) for value in values]
    told = inputs(
        {"a": "hg_jsonlist", "b": "hg_json", "c": "raw", "d": "str"},
        a=documents, b=documents[:1], c=[7], d=["x"], args=["text"],
    )  # fmt: skip

    arguments = read_inputs(told)

    assert arguments.given == ("text",)
    assert arguments.named == {"a": values, "b": values[0], "c": 7, "d": ["x"]}


def test_a_number_is_a_number_whatever_its_shape():
    tensors = [
        Tensor("args", np.array(["a"], object)),
        Tensor("top_k", np.array([[3]])),
        Tensor("ids", np.array([1, 2])),
    ]

    assert read_inputs(Inference(tensors)).named == {"top_k": 3, "ids": [1, 2]}


@given(st.recursive(st.just({"trust_remote_code": True}), lambda inner: (
    st.lists(inner, min_size=1) | st.dictionaries(texts, inner, min_size=1)
)))  # fmt: skip
def test_nothing_deep_in_a_request_has_code_run(value):
    with pytest.raises(UnitError, match="trust_remote_code is not taken from a request"):
        read_value({"inputs": "a", "options": value})
