"""Rows of named values, such as a list of dicts or one row of a frame, as columns with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import to_column
from seldon_deployer.payload.table import Table


def read_named_rows(data: Any, names: Sequence[str] | None) -> Any:
    """Take rows of named values as a table; all other data are returned as they are.

    Rows are dicts, named tuples (`itertuples`), or Series of pandas whose labels are texts
    (`iterrows`), or those of a structured array of numpy; one row may come by itself, but for a
    dict, which is a message. A Series that is a column of a frame is the values that it holds.
    `names` gives the order of the columns. Raises PayloadError where rows have other names than
    the first, or where a Series may be a row or a column.
    """
    if isinstance(data, (list, tuple)):
        rows = _read_rows([data] if hasattr(data, "_asdict") else data)
        return _table(rows, names) if rows else data
    if _is_series(data):
        return _row_or_column(data, names)
    if _field_names(data) and data.ndim < 2:
        records = data.reshape(-1)
        fields = {name: records[name] for name in _field_names(data)}
        return Table({name: fields[name] for name in _columns_of([fields], names)})
    return data


def _read_rows(data: Sequence[Any]) -> list[Mapping[Any, Any]]:
    """Each row by its names; no rows where one of them has none."""
    rows = []
    for row in data:
        if isinstance(row, list):
            return []
        if isinstance(row, Mapping):
            rows.append(row)
        elif hasattr(row, "_asdict"):
            rows.append(row._asdict())
        elif _is_series(row) and _text_labels(row):
            rows.append(_by_labels(row))
        else:
            return []
    return rows


def _table(rows: Sequence[Mapping[Any, Any]], names: Sequence[str] | None) -> Table:
    columns = _columns_of(rows, names)
    return Table({str(column): to_column([row[column] for row in rows]) for column in columns})


def _columns_of(rows: Sequence[Mapping[Any, Any]], names: Sequence[str] | None) -> list[Any]:
    columns = list(rows[0] if names is None else names)
    if not columns or len({str(column) for column in columns}) < len(columns):
        raise PayloadError(
            "the rows name no values, or two of them alike", hint='[{"width": 1.5, "height": 2}]'
        )
    wanted = set(columns)
    for number, row in enumerate(rows):
        if row.keys() == wanted:
            continue
        where = "among the names" if names is not None else "in row 0"
        missing = [f"it lacks {column!r}" for column in columns if column not in row]
        unknown = [f"{column!r} is not {where}" for column in row if column not in wanted]
        raise PayloadError(
            f"row {number} has other names than the rest",
            why=", and ".join([*missing[:1], *unknown[:1]]),
            hint="name the same values in each row, None for what is missing",
        )
    return columns


def _row_or_column(series: Any, names: Sequence[str] | None) -> Any:
    if not _text_labels(series):
        return series.to_numpy()
    if isinstance(series.name, str):
        raise PayloadError(
            f"whether the Series {series.name!r} is a row or a column cannot be told",
            why="its labels are texts, as those of a row, and so is its name",
            hint="for a row series.to_frame().T, for values of a column series.to_numpy()",
        )
    return _table([_by_labels(series)], names)


def _by_labels(series: Any) -> dict[str, Any]:
    labels = list(series.index)
    if len(set(labels)) < len(labels):
        raise PayloadError("labels of the Series are not unique", hint="name each value once")
    return dict(zip(labels, series.tolist(), strict=True))


def _text_labels(series: Any) -> bool:
    labels = list(series.index)
    return bool(labels) and all(isinstance(label, str) for label in labels)


def _is_series(data: Any) -> bool:
    # Known by its looks, as frames are: those have columns, and one of them may be called `name`.
    looks = all(hasattr(data, name) for name in ("index", "name", "to_numpy"))
    return looks and not hasattr(data, "columns") and not callable(data.index)


def _field_names(data: Any) -> tuple[str, ...]:
    """Names of the fields of numpy's structured arrays and records; none of any other."""
    return getattr(getattr(data, "dtype", None), "names", None) or ()
