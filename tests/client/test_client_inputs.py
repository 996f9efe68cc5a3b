"""What a caller gives arrives as it is, or is refused with what to do: never as its repr."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.client.address import find_address
from seldon_deployer.client.exchange import Exchange
from seldon_deployer.errors import PayloadError

MOMENTS = pd.to_datetime(["2024-01-01", "2024-01-02"])


def sent(data: Any, protocol: str) -> Any:
    """The message as JSON has it."""
    model = "m" if protocol == "v2" else None
    exchange = Exchange(find_address("http://host:1", protocol=protocol, model=model))
    message = exchange.build_message(data, None, (), as_arrays=False)
    return json.loads(json.dumps(message, allow_nan=False))


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (frame(a=pd.Categorical(["x", "y"]), b=[1.0, 2.0]), [["x", 1.0], ["y", 2.0]]),
        (frame(a=pd.Categorical(["x", None])), [["x"], [None]]),
        (frame(a=pd.array([1, None], dtype="Int64"), b=["x", "y"]), [[1, "x"], [None, "y"]]),
        (frame(a=pd.array([True, None], dtype="boolean")), [[True], [None]]),
        (frame(a=pd.array(["x", None], dtype="string")), [["x"], [None]]),
        (frame(a=pd.arrays.SparseArray([0, 1])), [[0], [1]]),
        (frame(a=[1.5, float("nan")]), [[1.5], [None]]),
        ([{"a": 1}], [{"a": 1}]),
        (range(3), [0, 1, 2]),
    ],
)
def test_what_has_a_form_in_json_is_sent_in_it(data: Any, rows: list[Any]) -> None:
    assert sent(data, "seldon")["data"]["ndarray"] == rows


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (frame(a=pd.Categorical(["x", "y"])), [("BYTES", ["x", "y"])]),
        (frame(a=pd.Categorical([2, 1]), b=[1.0, 2.0]), [("INT64", [2, 1]), ("FP64", [1, 2])]),
        (frame(a=pd.array([1, None], dtype="Int64")), [("FP64", [1, None])]),
        (frame(a=pd.array([True, False], dtype="boolean")), [("BOOL", [True, False])]),
        (frame(a=pd.array(["x", "y"], dtype="string")), [("BYTES", ["x", "y"])]),
        (frame(a=pd.arrays.SparseArray([0, 1])), [("INT64", [0, 1])]),
    ],
)  # fmt: skip
def test_each_column_has_its_own_type_in_v2(data: Any, columns: list[Any]) -> None:
    inputs = sent(data, "v2")["inputs"]

    assert [(each["datatype"], each["data"]) for each in inputs] == columns


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (frame(t=MOMENTS), "column 't' holds moments.*strftime"),
        (frame(t=MOMENTS.tz_localize("UTC")), "column 't' holds values of type Timestamp"),
        (frame(t=MOMENTS - MOMENTS[0]), "column 't' holds spans of time"),
        (frame(t=MOMENTS.to_period("M")), "column 't' holds values of type Period"),
        (frame(t=[datetime.date(2024, 1, 1)]), "values of type date"),
        (frame(a=[decimal.Decimal("1.5")]), r"Decimal.*astype\(float\)"),
        ([[datetime.datetime(2024, 1, 1)]], "values of type datetime"),  # noqa: DTZ001
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "holds moments"),
        (np.ma.array([[1.0, 2.0]], mask=[[0, 1]]), r"masked.*filled"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns 'a'"),
    ],
)
def test_what_has_no_form_is_refused_with_what_to_do(data: Any, says: str, protocol: str) -> None:
    with pytest.raises(PayloadError, match=says):
        sent(data, protocol)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_a_sparse_matrix_is_refused_with_what_to_do(protocol: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(PayloadError, match=r"sparse.*toarray\(\)"):
        sent(sparse.csr_matrix(np.eye(2)), protocol)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_a_table_of_arrow_is_refused_with_what_to_do(protocol: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(PayloadError, match=r"to_pandas\(\)"):
        sent(arrow.table({"a": [1]}), protocol)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_a_frame_of_polars_is_sent_column_by_column(protocol: str) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed: pip install polars")
    data = polars.DataFrame({"a": [1, None], "b": ["x", "y"]})
    message = sent(data, protocol)
    if protocol == "v2":
        assert [each["data"] for each in message["inputs"]] == [[1, None], ["x", "y"]]
    else:
        assert message["data"] == {"names": ["a", "b"], "ndarray": [[1, "x"], [None, "y"]]}


def test_rows_of_named_values_are_no_text_of_v2() -> None:
    with pytest.raises(PayloadError, match=r"DataFrame\(rows\)"):
        sent([{"a": 1, "b": 2}], "v2")


@given(st.lists(st.none() | st.text(), min_size=1), st.sampled_from(["str", "object", "string"]))
def test_missing_text_is_null_or_an_error_and_never_a_text(values, dtype) -> None:
    data = frame(a=pd.array(values, dtype=dtype))

    assert sent(data, "seldon")["data"]["ndarray"] == [[value] for value in values]
    if None not in values:
        assert sent(data, "v2")["inputs"][0]["data"] == values
    elif any(value is not None for value in values):
        with pytest.raises(PayloadError, match="V2 has no null"):
            sent(data, "v2")
