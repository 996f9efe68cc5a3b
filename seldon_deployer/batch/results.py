"""The answers of a batch as one file: CSV, JSON lines or Parquet, a row for each row asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from seldon_deployer.batch.journal import Answered
from seldon_deployer.errors import UsageError

ERROR_COLUMN = "error"
_FORMATS = (".csv", ".jsonl", ".ndjson", ".parquet")
_ROWS_IN_A_GROUP = 50_000


def check_result(path: Path) -> None:
    """Say before anything is asked that the result can be written. Raises UsageError."""
    kind = path.suffix.lower()
    if kind not in _FORMATS:
        raise UsageError(f"cannot write {path}", hint="one of .csv, .jsonl, .parquet")
    if kind == ".parquet":
        _pyarrow()
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}", why="there is no such folder")


def write_result(path: Path, answers: Iterable[Answered], *, names: list[str]) -> None:
    """Write all answers in order; the file is there whole or not at all.

    `names` are the columns. Rows without an answer are empty, but for the column `error`.
    """
    partial = path.with_name(f"{path.name}.writing")
    kind = path.suffix.lower()
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(kind, _write_jsonl)
    write(partial, _rows(answers, names), names)
    partial.replace(path)


def _rows(answers: Iterable[Answered], names: list[str]) -> Iterator[list[Any]]:
    for answered in answers:
        if answered.error is not None:
            yield [answered.error if name == ERROR_COLUMN else None for name in names]
            continue
        missing = [None] * answered.count
        columns = [answered.columns.get(name, missing) for name in names]
        yield from map(list, zip(*columns, strict=True))


def _write_csv(path: Path, rows: Iterator[list[Any]], names: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else value


def _write_jsonl(path: Path, rows: Iterator[list[Any]], names: list[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            told = dict(zip(names, row, strict=True))
            # A row has an error or an answer; only the one that it has is told.
            if ERROR_COLUMN in told:
                error = told.pop(ERROR_COLUMN)
                told = {ERROR_COLUMN: error} if error is not None else told
            file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, rows: Iterator[list[Any]], names: list[str]) -> None:
    pa = _pyarrow()
    from pyarrow import parquet

    groups = list(_groups(rows))
    # One type for each column over all groups: whole numbers beside fractions are fractions.
    tables = [
        pa.table(
            {
                name: list(column)
                for name, column in zip(names, zip(*group, strict=True), strict=True)
            }
        )
        for group in groups
    ]
    empty = pa.table({name: pa.array([], pa.null()) for name in names})
    whole = pa.concat_tables(tables or [empty], promote_options="permissive")
    parquet.write_table(whole, path)


def _groups(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    group: list[list[Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == _ROWS_IN_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow", hint="pip install pyarrow") from error
    return pyarrow
