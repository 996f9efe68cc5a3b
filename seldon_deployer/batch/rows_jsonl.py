"""Rows of a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seldon_deployer.batch.rows import Piece
from seldon_deployer.errors import UsageError
from seldon_deployer.payload.table import Table


class JsonRows:
    """A row per line: all of them lists, or all of them objects with the same names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = sum(1 for _ in self._read())

    @property
    def count(self) -> int:
        """How many there are; empty lines are none."""
        return self._count

    def pieces(self, size: int) -> Iterator[Piece]:
        """Read them in order."""
        start, rows = 0, list[Any]()
        for row in self._read():
            rows.append(row)
            if len(rows) == size:
                yield Piece(start, _join(rows))
                start, rows = start + size, []
        if rows:
            yield Piece(start, _join(rows))

    def _read(self) -> Iterator[Any]:
        first: Any = None
        try:
            with self._path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    if not line.strip():
                        continue
                    row = self._row(line, number)
                    first = row if first is None else first
                    if _form(row) != _form(first):
                        raise UsageError(
                            f"line {number} of {self._path} is of another form than the first row",
                            hint="all lists, or all objects with the same names",
                        )
                    yield row
        except (UnicodeDecodeError, OSError) as error:
            raise UsageError(f"cannot read {self._path}", why=str(error)) from error

    def _row(self, line: str, number: int) -> Any:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"line {number} of {self._path} is no JSON", why=str(error)) from error
        if not isinstance(row, (list, dict)) or not row:
            raise UsageError(
                f"line {number} of {self._path} is no row", hint='[1, 2] or {"width": 1}'
            )
        return row


def _form(row: Any) -> Any:
    return set(row) if isinstance(row, dict) else None


def _join(rows: list[Any]) -> Any:
    if not isinstance(rows[0], dict):
        return rows
    return Table({name: [row[name] for row in rows] for name in rows[0]})
