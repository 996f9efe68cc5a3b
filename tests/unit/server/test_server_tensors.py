"""Arrays on their way into a model: dtypes that lose nothing, columns in their order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seldon_deployer.payload import Tensor
from seldon_deployer.server.columns import order_columns
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.inference import Inference
from seldon_deployer.server.tensors import TensorServer, TensorSpec, fit_dtype

NUMBERS = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
]  # fmt: skip


@st.composite
def number_arrays(draw):
    dtype = draw(st.sampled_from(NUMBERS))
    return draw(arrays.arrays(dtype, arrays.array_shapes(max_dims=2, max_side=4)))


@given(number_arrays(), st.sampled_from(NUMBERS))
def test_a_dtype_is_taken_only_where_no_value_is_lost(array, dtype):
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
    if np.dtype(dtype).kind == "f":
        lost = np.isinf(converted) & np.isfinite(array)
    else:
        lost = converted != array
    if lost.any():
        with pytest.raises(UnitError, match="the input x does not fit"):
            fit_dtype(array, dtype, "x")
        return
    fitted = fit_dtype(array, dtype, "x")
    assert fitted.dtype == dtype
    assert fitted.shape == array.shape
    if np.dtype(dtype).kind == "f":
        # Rounded, but neither infinite nor missing where it was not.
        assert (np.isfinite(fitted) == np.isfinite(array.astype("float64"))).all()
    else:
        assert [int(value) for value in fitted.flat] == [int(value) for value in array.flat]


@given(number_arrays())
def test_numbers_are_no_text_and_text_is_no_number(array):
    with pytest.raises(UnitError):
        fit_dtype(array, "object", "x")
    words = np.array(["a", "b"], dtype=object)
    assert fit_dtype(words, "object", "x") is words
    with pytest.raises(UnitError):
        fit_dtype(words, array.dtype.name, "x")


@given(
    st.sampled_from([*NUMBERS, "object"]),
    st.sampled_from([*NUMBERS, "object"]),
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=2).filter(lambda s: 0 in s),
)
def test_an_array_without_values_loses_none(given_dtype, dtype, shape):
    fitted = fit_dtype(np.empty(shape, given_dtype), dtype, "x")

    assert (fitted.dtype, fitted.shape) == (dtype, shape)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.data())
def test_columns_come_into_the_model_s_order_by_name(expected, data):
    names = data.draw(st.permutations(expected))
    rows = np.array([[f"{name}-{row}" for name in names] for row in range(3)], dtype=object)
    ordered = order_columns(rows, names, expected)
    assert ordered.tolist() == [[f"{name}-{row}" for name in expected] for row in range(3)]


@given(
    st.lists(st.text(max_size=3), max_size=5),
    st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True),
)
def test_other_names_leave_the_columns_where_they_are(names, expected):
    rows = np.arange(2 * len(expected)).reshape(2, -1)
    if not set(names) & set(expected):
        assert order_columns(rows, names, expected) is rows


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["age", "Plan"], "plan missing; Plan unknown to it"),
        (["age"], "plan missing; it was trained with age, plan"),
        (["age", "plan", "city"], "city unknown to it"),
    ],
)
def test_names_of_which_only_some_are_the_model_s_are_refused(names, words):
    with pytest.raises(UnitError, match=words):
        order_columns(np.zeros((2, len(names))), names, ["age", "plan"])


class Echo(TensorServer):
    """Answers each input with itself."""

    inputs = (TensorSpec("a", "float32", (-1,)), TensorSpec("b", "int64", (-1,)))
    outputs = inputs

    def run(self, feed):
        return dict(feed)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a"], "got the inputs a; expected a, b"),
        (["a", "c"], "got the inputs a, c; expected a, b"),
        (["a", "b", "c"], "got the inputs a, b, c; expected a, b"),
    ],
)
def test_inputs_that_are_not_the_model_s_are_told_with_those_that_are(names, why):
    inputs = [Tensor(name, np.zeros(1)) for name in names]
    with pytest.raises(UnitError, match=why):
        Echo("").infer_tensors(Inference(inputs))


def test_an_infinity_in_an_answer_of_several_parts_is_the_model_s_fault():
    feed = {"a": [float("inf")], "b": [1]}
    with pytest.raises(UnitError, match="the answer cannot be sent") as caught:
        Echo("").predict(feed, [])
    assert caught.value.status_code == 500
