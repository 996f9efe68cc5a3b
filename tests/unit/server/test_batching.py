"""Joining calls and taking answers apart, as rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seldon_deployer.errors import UsageError
from seldon_deployer.payload import Tensor
from seldon_deployer.server.batching import (
    BatchPolicy,
    NotByRow,
    describe_call,
    join_calls,
    read_policy,
    split_answer,
)
from seldon_deployer.server.calling import Call
from seldon_deployer.server.inference import Inference

dtypes = st.sampled_from(["<f8", "<i8", "<f4", "|b1", "<U3"])


@st.composite
def rows_of_one_kind(draw):
    dtype = draw(dtypes)
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    return [draw(arrays.arrays(np.dtype(dtype), (count, *shape))) for count in counts]


@given(rows_of_one_kind())
def test_what_was_joined_comes_apart_as_it_was(values):
    calls = [Call("predict", (value, ["a"]), {}) for value in values]
    described = [describe_call(call, reads_meta=True) for call in calls]
    assert len({each.key for each in described}) == 1
    joined = join_calls(calls)
    parts = split_answer(joined.values[0], [each.rows for each in described])
    for part, value in zip(parts, values, strict=True):
        assert part.dtype == value.dtype
        np.testing.assert_array_equal(part, value)


@given(rows_of_one_kind())
def test_named_tensors_come_apart_by_name(values):
    calls = [
        Call("infer_tensors", (Inference([Tensor("a", value), Tensor("b", value)]),))
        for value in values
    ]
    described = [describe_call(call, reads_meta=False) for call in calls]
    assert len({each.key for each in described}) == 1
    joined = join_calls(calls).values[0]
    parts = split_answer(joined.inputs, [each.rows for each in described])
    for tensors, value in zip(parts, values, strict=True):
        assert [tensor.name for tensor in tensors] == ["a", "b"]
        for tensor in tensors:
            np.testing.assert_array_equal(tensor.array, value)


ROW = np.array([[1.0, 2.0]])


@pytest.mark.parametrize(
    "other",
    [
        Call("transform_input", (ROW, ["a", "b"]), {}),
        Call("predict", (ROW, ["a", "c"]), {}),
        Call("predict", (ROW, None), {}),
        Call("predict", (ROW.astype("float32"), ["a", "b"]), {}),
        Call("predict", (np.array([[1.0]]), ["a", "b"]), {}),
        Call("predict", (ROW, ["a", "b"]), {"puid": "other"}),
    ],
)
def test_calls_that_differ_in_anything_are_not_joined(other):
    call = Call("predict", (ROW, ["a", "b"]), {})
    first = describe_call(call, reads_meta=True)
    assert first is not None
    second = describe_call(other, reads_meta=True)
    assert second is not None
    assert first.key != second.key


def test_meta_that_the_method_does_not_read_keeps_nothing_apart():
    calls = [Call("predict", (ROW, None), {"puid": puid}) for puid in "ab"]
    first, second = (describe_call(call, reads_meta=False) for call in calls)
    assert first == second


@pytest.mark.parametrize(
    "call",
    [
        Call("predict", (np.array([1.0, 2.0]), [])),
        Call("predict", (np.empty((0, 2)), [])),
        Call("predict", ("text", [])),
        Call("predict", ({"a": 1}, [])),
        Call("predict", (b"bytes", [])),
        Call("route", (ROW, [])),
        Call("send_feedback", (ROW, [], 1.0, ROW, None)),
        Call("aggregate", ([ROW], [[]])),
        Call("infer_tensors", (Inference([Tensor("a", np.array([1.0]))]),)),
        Call("infer_tensors", (Inference([Tensor("a", ROW), Tensor("b", np.ones((2, 1)))]),)),
    ],
)
def test_what_has_no_rows_stays_alone(call):
    assert describe_call(call, reads_meta=False) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([1, 2], "2 rows for 3"),
        (np.zeros((4, 1)), "4 rows for 3"),
        ({"a": [1, 2, 3]}, "a dict for 3 rows"),
        ("abc", "a str for 3 rows"),
        (b"abc", "a bytes for 3 rows"),
        (None, "a NoneType for 3 rows"),
        (np.float64(1), "a float64 for 3 rows"),
        ([Tensor("a", np.zeros((3, 1))), Tensor("b", np.zeros((1, 1)))], "1 rows for 3"),
    ],
)
def test_an_answer_without_a_row_for_each_row_is_told_off(answer, words):
    with pytest.raises(NotByRow, match=words):
        split_answer(answer, [1, 2])


def test_frames_come_apart_by_rows():
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[7, 7, 7])
    first, second = split_answer(frame, [1, 2])
    assert first["a"].tolist() == [1]
    assert second["a"].tolist() == [2, 3]


class Asks:
    max_batch_size = 4
    max_batch_delay_ms = 2


@pytest.mark.parametrize(
    ("target", "parameters", "policy"),
    [
        (object(), {}, None),
        (Asks(), {}, BatchPolicy(4, 0.002)),
        (Asks(), {"max_batch_size": 16}, BatchPolicy(16, 0.002)),
        (Asks(), {"max_batch_size": 1}, None),
        (Asks(), {"max_batch_size": 0}, None),
        (object(), {"max_batch_size": 8}, BatchPolicy(8)),
    ],
)
def test_a_class_or_a_parameter_asks_for_batches(target, parameters, policy):
    assert read_policy(target, parameters) == policy


@pytest.mark.parametrize("value", ["many", -1, True, float("nan"), None])
def test_a_size_that_is_no_number_is_an_error(value):
    with pytest.raises(UsageError, match="max_batch_size"):
        read_policy(object(), {"max_batch_size": value})
