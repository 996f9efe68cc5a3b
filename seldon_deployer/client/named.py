"""Rows of named values, a list of dicts or one row of a frame, as columns with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import to_column
from seldon_deployer.payload.table import Table


def read_named_rows(data: Any, names: Sequence[str] | None) -> Any:
    """Take rows of named values as a table; all other data are returned as they are.

    A list of dicts is a row for each, a Series of pandas whose labels are texts is one row. A
    Series that is a column of a frame is the values that it holds. `names` gives the order of the
    columns. Raises PayloadError where rows have other names than the first, or where a Series may
    be either.
    """
    if _is_series(data):
        return _row_of_series(data, names)
    if isinstance(data, (list, tuple)) and data and all(isinstance(row, Mapping) for row in data):
        return _table(data, names)
    return data


def _table(rows: Sequence[Mapping[Any, Any]], names: Sequence[str] | None) -> Table:
    columns = _columns_of(rows, names)
    return Table(
        {str(column): to_column([row[column] for row in rows]) for column in columns},
    )


def _columns_of(rows: Sequence[Mapping[Any, Any]], names: Sequence[str] | None) -> list[Any]:
    columns = list(rows[0] if names is None else names)
    if not columns or len({str(column) for column in columns}) < len(columns):
        raise PayloadError(
            "the rows name no values, or two of them alike", hint='[{"width": 1.5, "height": 2}]'
        )
    for number, row in enumerate(rows):
        missing = [column for column in columns if column not in row]
        unknown = [column for column in row if column not in columns]
        if missing or unknown:
            where = "among the names" if names is not None else "in row 0"
            why = [f"it lacks {missing[0]!r}"] if missing else []
            why += [f"{unknown[0]!r} is not {where}"] if unknown else []
            raise PayloadError(
                f"row {number} has other names than the rest",
                why=", and ".join(why),
                hint="name the same values in each row, None for what is missing",
            )
    return columns


def _row_of_series(series: Any, names: Sequence[str] | None) -> Any:
    labels = list(series.index)
    if not labels or not all(isinstance(label, str) for label in labels):
        return series.to_numpy()
    if isinstance(series.name, str):
        raise PayloadError(
            f"whether the Series {series.name!r} is a row or a column cannot be told",
            why="its labels are texts, as those of a row, and so is its name",
            hint="for a row series.to_frame().T, for values of a column series.to_numpy()",
        )
    if len(set(labels)) < len(labels):
        raise PayloadError("labels of the Series are not unique", hint="name each value once")
    return _table([dict(zip(labels, series.tolist(), strict=True))], names)


def _is_series(data: Any) -> bool:
    # Known by its looks, as frames are. A method `index` is that of a list.
    return all(hasattr(data, name) for name in ("index", "name", "to_numpy")) and not callable(
        data.index
    )
