"""Files of rows: what is read from them, and what is said of those that have none."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from seldon_deployer.batch.rows import open_rows
from seldon_deployer.errors import UsageError
from seldon_deployer.payload import build_request

CSV = 'width,colour,count\n1.5,red,1\n,"blue, dark",2\n2e3,,3\n'


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    return path


def read(path, size=2):
    """All pieces as the requests that they become."""
    return [build_request(piece.rows)["data"] for piece in open_rows(path).pieces(size)]


def test_a_csv_column_is_what_all_of_its_cells_are(tmp_path):
    path = write(tmp_path, "rows.csv", "\ufeff" + CSV)
    assert open_rows(path).count == 3
    first, second = read(path)
    assert first["names"] == ["width", "colour", "count"]
    assert first["ndarray"] == [[1.5, "red", 1], [None, "blue, dark", 2]]
    assert second["ndarray"] == [[2000.0, "", 3]]


def test_a_csv_column_of_truths_is_booleans_as_pandas_has_it(tmp_path):
    content = "a,b,c\nTrue,true,True\nFalse,x,\n"
    [piece] = open_rows(write(tmp_path, "rows.csv", content)).pieces(10)
    assert build_request(piece.rows)["data"]["ndarray"] == [
        [True, "true", "True"],
        [False, "x", ""],
    ]


def test_a_csv_file_without_a_header_loses_no_row_to_it(tmp_path):
    with pytest.raises(UsageError, match="is a row of numbers"):
        open_rows(write(tmp_path, "rows.csv", "5.1,3.5\n4.9,3.0\n"))


def test_columns_of_a_v2_request_keep_their_types(tmp_path):
    [piece] = open_rows(write(tmp_path, "rows.csv", CSV)).pieces(10)
    inputs = build_request(piece.rows, protocol="v2")["inputs"]
    told = [(each["name"], each["datatype"], each["shape"]) for each in inputs]
    assert told == [
        ("width", "FP64", [3, 1]),
        ("colour", "BYTES", [3, 1]),
        ("count", "INT64", [3, 1]),
    ]


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        (["[1, 2]", "", "[3.5, null]"], {"ndarray": [[1, 2], [3.5, None]]}),
        (
            ['{"a": 1, "b": "x"}', '{"b": "y", "a": null}'],
            {"names": ["a", "b"], "ndarray": [[1, "x"], [None, "y"]]},
        ),
    ],
)
def test_json_lines_are_lists_or_objects(tmp_path, lines, sent):
    assert read(write(tmp_path, "rows.jsonl", "\n".join(lines))) == [sent]


def test_an_array_is_sent_in_pieces(tmp_path):
    np.save(tmp_path / "rows.npy", np.arange(10.0).reshape(5, 2))
    pieces = list(open_rows(tmp_path / "rows.npy").pieces(2))
    assert [piece.start for piece in pieces] == [0, 2, 4]
    assert [piece.rows.tolist() for piece in pieces][2] == [[8.0, 9.0]]


def test_parquet_gives_columns_over_all_groups_of_rows(tmp_path):
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=2)
    pieces = list(open_rows(tmp_path / "rows.parquet").pieces(10))
    assert sum(len(piece) for piece in pieces) == open_rows(tmp_path / "rows.parquet").count == 3
    starts = np.cumsum([0, *(len(piece) for piece in pieces)])[:-1]
    assert [piece.start for piece in pieces] == starts.tolist()
    rows = [row for piece in pieces for row in build_request(piece.rows)["data"]["ndarray"]]
    assert rows == [[1, "x"], [2, "y"], [3, None]]


def test_a_parquet_file_of_an_index_alone_is_told(tmp_path):
    frame = pd.DataFrame({"width": [1.5], "count": [1]}).set_index(["width", "count"])
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(UsageError, match=r"has no columns: count, width is noted as the index"):
        open_rows(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    "index", [None, [7, 3, 5], ["x", "y", "z"], pd.Index(["x", "y", "z"], name="id"),
              pd.MultiIndex.from_tuples([(1, "x"), (1, "y"), (2, "x")], names=["a", "id"])],
)  # fmt: skip
def test_the_index_of_a_frame_is_no_column_of_its_rows(tmp_path, index):
    frame = pd.DataFrame({"width": [1.5, 2.5, 3.5], "count": [1, 2, 3]}, index=index)
    frame.to_parquet(tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet", size=3) == [build_request(frame)["data"]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.csv", ",a\n0,1.5\n", r"column 1 of .* has no name: so pandas .*index=False"),
        ("rows.txt", "1,2", "is no file of rows"),
        ("rows.csv", "", "names no columns"),
        ("rows.csv", "a,a\n1,2\n", "one of them twice"),
        ("rows.csv", "a,b\n1,2\n\n1,2,3\n", "line 4 of .* has 3 cells, its header 2"),
        ("rows.csv", b"a\n\xff\n", "no CSV file in UTF-8"),
        ("rows.csv", 'a\n"x', "no CSV file in UTF-8: unexpected end"),
        ("rows.jsonl", "[1]\n{", "line 2 of .* is no JSON"),
        ("rows.jsonl", "[1]\n3", "line 2 of .* is no row"),
        ("rows.jsonl", '[1]\n{"a": 1}', "line 2 of .* is of another form"),
        ("rows.jsonl", '{"a": 1}\n{"b": 1}', "line 2 of .* is of another form"),
        ("rows.jsonl", b"\xff", "cannot read"),
        ("rows.npy", b"junk", "is no array"),
        ("rows.parquet", b"junk", "is no Parquet file"),
    ],
)
def test_a_file_without_rows_is_told_with_the_place(tmp_path, name, content, words):
    with pytest.raises(UsageError, match=words):
        read(write(tmp_path, name, content))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        open_rows(tmp_path / "rows.csv")


def test_a_pickle_in_an_array_is_not_run(tmp_path):
    np.save(tmp_path / "rows.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(UsageError, match="no array of numbers or text"):
        open_rows(tmp_path / "rows.npy")


cells = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(allow_infinity=False, allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1),
)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8), st.integers(1, 5))
def test_pieces_of_csv_and_json_lines_hold_each_row_once(tmp_path_factory, rows, size):
    folder = tmp_path_factory.mktemp("rows")
    pd.DataFrame(rows, columns=["a", "b"]).to_csv(folder / "rows.csv", index=False)
    lines = "\n".join(json.dumps({"a": a, "b": b}) for a, b in rows)
    write(folder, "rows.jsonl", lines)
    for name in ("rows.csv", "rows.jsonl"):
        told = open_rows(folder / name)
        pieces = list(told.pieces(size))
        assert told.count == len(rows) == sum(map(len, pieces))
        assert [piece.start for piece in pieces] == list(range(0, len(rows), size))
        assert all(1 <= len(piece) <= size for piece in pieces)
