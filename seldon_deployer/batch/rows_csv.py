"""Rows of a CSV file with a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seldon_deployer.batch.rows import Piece
from seldon_deployer.errors import UsageError
from seldon_deployer.payload.table import Table

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[nN]a[nN]", re.ASCII)

# As pandas reads and writes them.
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}

_Convert = Callable[[str], Any]


class CsvRows:
    """The rows of a CSV file: comma, UTF-8, names in the first line.

    It is read twice: what a column is, is told by all of its cells. All whole: integers; all
    numbers, or empty: floats, with NaN for the empty; all true or false: booleans; else text.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[str] = []
        self._count = 0
        kinds: list[set[str]] = []
        for row in self._read():
            if not kinds:
                kinds = [set() for _ in row]
            for kind, cell in zip(kinds, row, strict=True):
                kind.add(_kind_of(cell))
            self._count += 1
        self._converts = [_convert_of(kind) for kind in kinds]

    @property
    def count(self) -> int:
        """How many there are, the header not counted."""
        return self._count

    def pieces(self, size: int) -> Iterator[Piece]:
        """Read them in order."""
        start, rows = 0, list[list[str]]()
        for row in self._read():
            rows.append(row)
            if len(rows) == size:
                yield Piece(start, self._table(rows))
                start, rows = start + size, []
        if rows:
            yield Piece(start, self._table(rows))

    def _table(self, rows: list[list[str]]) -> Table:
        columns = zip(self._names, self._converts, zip(*rows, strict=True), strict=True)
        return Table({name: [convert(cell) for cell in cells] for name, convert, cells in columns})

    def _read(self) -> Iterator[list[str]]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                self._names = next(reader, [])
                if len(set(self._names)) != len(self._names) or not self._names:
                    raise UsageError(
                        f"the first line of {self._path} names no columns, or one of them twice",
                        hint="a header such as `width,height`",
                    )
                if "" in self._names and len(self._names) > 1:
                    raise UsageError(
                        f"column {self._names.index('') + 1} of {self._path} has no name",
                        why="so pandas writes the index of a frame, which is no part of a row",
                        hint="write it with to_csv(..., index=False), or name the column",
                    )
                if all(_kind_of(name) in ("whole", "number") for name in self._names):
                    raise UsageError(
                        f"the first line of {self._path} is a row of numbers",
                        why="it would be taken for the names of the columns, and not be asked",
                        hint="put a header before it, such as `width,height`",
                    )
                for row in reader:
                    # An empty line is no row; a row of one empty cell is written as "".
                    if row and len(row) != len(self._names):
                        raise UsageError(
                            f"line {reader.line_num} of {self._path} has {len(row)} cells, its "
                            f"header {len(self._names)}"
                        )
                    if row:
                        yield row
        except (csv.Error, UnicodeDecodeError, OSError) as error:
            raise UsageError(f"{self._path} is no CSV file in UTF-8", why=str(error)) from error


def _kind_of(cell: str) -> str:
    if not cell:
        return "empty"
    if cell in _TRUTHS:
        return "truth"
    if _WHOLE.fullmatch(cell):
        return "whole"
    return "number" if _NUMBER.fullmatch(cell) else "text"


def _convert_of(kinds: set[str]) -> _Convert:
    if kinds == {"truth"}:
        return _TRUTHS.__getitem__
    if kinds & {"text", "truth"} or kinds <= {"empty"}:
        return str
    return int if kinds == {"whole"} else _float


def _float(cell: str) -> float:
    return float(cell or "nan")
