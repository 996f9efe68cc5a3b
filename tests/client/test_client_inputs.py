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


def sent(data: Any, protocol: str, names: list[str] | None = None) -> Any:
    """The message as JSON has it."""
    model = "m" if protocol == "v2" else None
    exchange = Exchange(find_address("http://host:1", protocol=protocol, model=model))
    message = exchange.build_message(data, names, (), as_arrays=False)
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
        ([[{"a": 1}]], [[{"a": 1}]]),
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


PROTOCOLS = st.sampled_from(["seldon", "v2"])
# Of each column all rows have the same kind, as those of a frame do.
COLUMNS = st.sampled_from([
    st.floats(allow_infinity=False),
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.text(),
    st.none() | st.floats(allow_infinity=False),
])  # fmt: skip


@st.composite
def named_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    columns = draw(st.dictionaries(st.text(), COLUMNS, min_size=1, max_size=4))
    return draw(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=4))


@given(named_rows(), PROTOCOLS)
def test_a_list_of_dicts_is_sent_as_the_frame_of_them(rows: Any, protocol: str) -> None:
    assert sent(rows, protocol) == sent(pd.DataFrame(rows), protocol)


@given(named_rows(), PROTOCOLS, st.randoms())
def test_the_order_of_names_in_a_row_does_not_matter(rows: Any, protocol: str, random: Any) -> None:
    shuffled = [dict(random.sample(list(row.items()), len(row))) for row in rows[1:]]

    assert sent([rows[0], *shuffled], protocol) == sent(rows, protocol)


@given(named_rows(), PROTOCOLS)
def test_a_row_of_a_frame_is_sent_as_that_row(rows: Any, protocol: str) -> None:
    series = pd.Series(rows[0], dtype=object)

    assert sent(series, protocol) == sent(rows[:1], protocol)
    assert sent(pd.DataFrame(rows[:1], dtype=object).iloc[0], protocol) == sent(rows[:1], protocol)


PEOPLE = frame(age=[30, 40], name=["Ann", "Bob"], size=[1.5, None])


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        ([row for _, row in PEOPLE.iterrows()], False),
        ([row for _, row in PEOPLE.set_index("name", drop=False).iterrows()], False),
        (list(PEOPLE.itertuples(index=False)), False),
        (next(PEOPLE.itertuples(index=False)), True),
        (PEOPLE.to_records(index=False), False),
        (PEOPLE.to_records(index=False)[0], True),
        (np.array([(30, "Ann", 1.5)], [("age", int), ("name", "U9"), ("size", float)]), True),
    ],
)  # fmt: skip
def test_rows_of_a_frame_keep_their_names_in_each_form(
    data: Any, is_one: bool, protocol: str
) -> None:
    assert sent(data, protocol) == sent(PEOPLE[:1] if is_one else PEOPLE, protocol)
    in_order = PEOPLE[["size", "name", "age"]]
    assert sent(data, protocol, ["size", "name", "age"]) == sent(
        in_order[:1] if is_one else in_order, protocol
    )


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_names_give_the_order_of_named_values(protocol: str) -> None:
    rows = [{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}]
    in_order = [{"b": row["b"], "a": row["a"]} for row in rows]

    assert sent(rows, protocol, ["b", "a"]) == sent(in_order, protocol)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"a": 1, "b": 2}, {"a": 1}], "row 1 has other names than the rest: it lacks 'b'"),
        ([{"a": 1}, {"a": 1, "B": 2}], "row 1 .* 'B' is not in row 0.*None for what is missing"),
        ([{}], "the rows name no values"),
        ([{"1": 1, 1: 2}], "two of them alike"),
        ([{"when": MOMENTS[0]}], "column 'when' holds values of type Timestamp"),
        (pd.Series([1, 2], index=["a", "a"]), "not unique"),
    ],
)
def test_rows_that_are_named_otherwise_are_refused(rows: Any, says: str, protocol: str) -> None:
    with pytest.raises(PayloadError, match=says):
        sent(rows, protocol)


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_names_that_the_rows_lack_are_told(protocol: str) -> None:
    with pytest.raises(PayloadError, match=r"row 0 .* it lacks 'c'"):
        sent([{"a": 1}], protocol, ["a", "c"])


@pytest.mark.parametrize("values", [["x", "y"], [1.5, 2.5]])
@pytest.mark.parametrize("index", [None, [7, 3]])
def test_a_column_of_a_frame_is_the_list_of_its_values(values: list[Any], index: Any) -> None:
    column = pd.DataFrame({"a": values}, index=index)["a"]

    assert sent(column, "seldon") == sent(values, "seldon")
    assert sent(column, "v2") == sent(values, "v2")


def test_a_series_that_may_be_a_row_or_a_column_is_refused_with_what_to_do() -> None:
    people = pd.DataFrame({"age": [30, 40], "size": [1.5, 1.8]}, index=["Ann", "Bob"])

    for either in (people["age"], people.loc["Ann"]):
        with pytest.raises(PayloadError, match=r"row or a column.*to_frame\(\)\.T.*to_numpy\(\)"):
            sent(either, "seldon")
    row = {"names": ["age", "size"], "ndarray": [[30, 1.5]]}
    assert sent(people.loc["Ann"].to_frame().T, "seldon")["data"] == row
    assert sent(people["age"].to_numpy(), "seldon")["data"]["ndarray"] == [30, 40]


@pytest.mark.parametrize(
    "data",
    [
        [[30.0, "x", True], [None, "y", False]],
        frame(a=[30.0, None], b=["x", "y"], c=[True, False]).astype(object),
        [{"a": 30.0, "b": "x", "c": True}, {"a": None, "b": "y", "c": False}],
    ],
)
def test_numbers_beside_text_keep_their_type_in_columns_of_v2(data: Any) -> None:
    inputs = sent(data, "v2", ["a", "b", "c"])["inputs"]

    assert [(each["datatype"], each["data"]) for each in inputs] == [
        ("FP64", [30.0, None]),
        ("BYTES", ["x", "y"]),
        ("BOOL", [True, False]),
    ]


def test_a_value_that_is_missing_in_the_only_row_is_nan_in_v2() -> None:
    [age, _] = sent([{"age": None, "sex": "male"}], "v2")["inputs"]

    assert (age["datatype"], age["data"]) == ("FP64", [None])


@pytest.mark.parametrize("data", [[{"a": {"b": 1}}], [[{"b": 1}]], frame(a=[{"b": 1}])])
def test_objects_in_a_column_are_no_text_of_v2(data: Any) -> None:
    with pytest.raises(PayloadError, match=r"values of type dict.*a column of its own"):
        sent(data, "v2")


def test_a_list_in_a_named_value_is_one_value_of_its_row() -> None:
    rows = [{"id": 1, "words": ["a", "b"]}, {"id": 2, "words": ["c"]}]

    assert sent(rows, "seldon")["data"]["ndarray"] == [[1, ["a", "b"]], [2, ["c"]]]


@given(st.lists(st.none() | st.text(), min_size=1), st.sampled_from(["str", "object", "string"]))
def test_missing_text_is_null_or_an_error_and_never_a_text(values, dtype) -> None:
    data = frame(a=pd.array(values, dtype=dtype))

    assert sent(data, "seldon")["data"]["ndarray"] == [[value] for value in values]
    if None not in values:
        assert sent(data, "v2")["inputs"][0]["data"] == values
    elif any(value is not None for value in values):
        with pytest.raises(PayloadError, match="V2 has no null"):
            sent(data, "v2")
