"""Rows of a file, some at a time: CSV, JSON lines, Parquet, or an array of numpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seldon_deployer.errors import UsageError
from seldon_deployer.payload.table import Table

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array


@dataclass(frozen=True)
class Piece:
    """Consecutive rows: a table, an array or a list of rows, and the number of the first."""

    start: int
    rows: Any

    def __len__(self) -> int:
        return len(self.rows)

    def split(self) -> tuple[Piece, Piece]:
        """Cut it in half."""
        half = len(self) // 2
        return (
            Piece(self.start, _cut(self.rows, 0, half)),
            Piece(self.start + half, _cut(self.rows, half, len(self))),
        )


class Rows(Protocol):
    """All rows of one file."""

    @property
    def count(self) -> int:
        """How many there are."""

    def pieces(self, size: int) -> Iterator[Piece]:
        """Read them in order, at most `size` at a time; the same pieces for the same size."""


def open_rows(path: Path) -> Rows:
    """Open a file of rows by the end of its name. Raises UsageError for what has no rows."""
    if not path.is_file():
        raise UsageError(f"cannot read {path}", why="there is no such file")
    kind = path.suffix.lower()
    if kind == ".csv":
        from seldon_deployer.batch.rows_csv import CsvRows

        return CsvRows(path)
    if kind in {".jsonl", ".ndjson"}:
        from seldon_deployer.batch.rows_jsonl import JsonRows

        return JsonRows(path)
    if kind == ".parquet":
        return ParquetRows(path)
    if kind == ".npy":
        return ArrayRows(path)
    raise UsageError(f"{path} is no file of rows", hint="one of .csv, .jsonl, .parquet, .npy")


class ArrayRows:
    """The rows of a .npy file, which is not read but looked into."""

    def __init__(self, path: Path) -> None:
        try:
            import numpy as np
        except ImportError as error:
            raise UsageError(".npy files need numpy", hint="pip install numpy") from error
        try:
            # Never pickles: a file of data must not run code.
            self._array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise UsageError(f"{path} is no array of numbers or text", why=str(error)) from error
        if self._array.ndim == 0:
            raise UsageError(f"{path} holds a single value, not rows")

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._array)

    def pieces(self, size: int) -> Iterator[Piece]:
        """Read them in order."""
        for start in range(0, self.count, size):
            yield Piece(start, self._array[start : start + size])


class ParquetRows:
    """The rows of a Parquet file, by pyarrow. What pandas noted as their index is not of them."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import ArrowInvalid, parquet
        except ImportError as error:
            raise UsageError("Parquet needs pyarrow", hint="pip install pyarrow") from error
        try:
            self._file = parquet.ParquetFile(path, memory_map=True)
        except (ArrowInvalid, OSError) as error:
            raise UsageError(f"{path} is no Parquet file", why=str(error)) from error
        # Of an index that is a range there is no column, but a record of the range.
        noted = (self._file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        index = {name for name in noted if isinstance(name, str)}
        self._columns = [name for name in self._file.schema_arrow.names if name not in index]
        if not self._columns:
            raise UsageError(
                f"{path} has no columns",
                why=f"{', '.join(sorted(index))} is noted as the index of a frame" if index else "",
                hint="write it with frame.reset_index().to_parquet(...)",
            )

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._file.metadata.num_rows)

    def pieces(self, size: int) -> Iterator[Piece]:
        """Read them in order; where groups of rows end, a piece may be smaller."""
        start = 0
        for batch in self._file.iter_batches(batch_size=size, columns=self._columns):
            if not batch.num_rows:
                continue
            names = batch.schema.names
            columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            yield Piece(start, Table(dict(zip(names, columns, strict=True))))
            start += batch.num_rows


def _cut(rows: Any, start: int, stop: int) -> Any:
    return rows.cut(start, stop) if isinstance(rows, Table) else rows[start:stop]
