"""Rows in named columns, as the client takes frames, without a library of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seldon_deployer.payload.arrays import to_array

if TYPE_CHECKING:
    import numpy as np

    from seldon_deployer.payload.arrays import Array


class Table:
    """Columns of equal length, each with its own type."""

    def __init__(self, columns: Mapping[str, Sequence[Any] | Array]) -> None:
        self._columns = dict(columns)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def __getitem__(self, name: str) -> Array:
        import numpy as np

        column = self._columns[name]
        return column if isinstance(column, np.ndarray) else to_array(list(column))

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def to_numpy(self) -> Array:
        """The rows, shape (rows, columns); of dtype object where the columns differ in kind."""
        import numpy as np

        arrays = [self[name] for name in self._columns]
        if len({_family(array) for array in arrays}) > 1:
            arrays = [array.astype(object) for array in arrays]
        return np.column_stack(arrays)

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> Array:
        array = self.to_numpy()
        return array if dtype is None else array.astype(dtype)

    def cut(self, start: int, stop: int) -> Table:
        """The rows from `start` to before `stop`."""
        return Table({name: column[start:stop] for name, column in self._columns.items()})


def _family(array: Array) -> str:
    """What numpy may join without a change of values: it would make numbers of truths."""
    return "number" if array.dtype.kind in "iuf" else array.dtype.kind
