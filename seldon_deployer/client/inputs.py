"""What a caller gives to be predicted, looked at before it is written as a message.

JSON and V2 have numbers, texts, booleans and bytes. All else that a frame or an array may hold has
no one form that every model expects: it is refused with what to do, and never sent as its repr.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seldon_deployer.client.named import read_named_rows
from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import as_array, as_column, missing_kinds
from seldon_deployer.payload.table import Table

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

_MOMENTS = {"M": "moments", "m": "spans of time"}
_MOMENTS_HINT = "send text (column.dt.strftime('%Y-%m-%d')) or numbers: what the model reads"


def prepare_data(
    data: Any, names: Sequence[str] | None, *, protocol: str
) -> tuple[Any, Sequence[str] | None]:
    """Give data, and the names of its columns, in a form that a message has.

    What is missing is null in Seldon's messages and NaN in V2's numbers. Raises PayloadError for
    values that have no form in the protocol.
    """
    if isinstance(data, (str, bytes, dict)):
        return data, names
    data = read_named_rows(data, names)
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        return _prepare_frame(data, names, protocol)
    _check_kind(data)
    array = as_array(data)
    if protocol == "v2" and names and array.ndim == 2 and array.shape[1] == len(names):
        # Columns, each with a type of its own: numbers stay numbers beside text.
        return _prepare_frame(_table(array, names), names, protocol)
    return _prepare_array(array, "the data", protocol), names


def _prepare_frame(
    frame: Any, names: Sequence[str] | None, protocol: str
) -> tuple[Any, Sequence[str] | None]:
    columns = list(frame.columns)
    counts = Counter(str(column) for column in columns)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise PayloadError(
            f"the frame has several columns {twice[0]!r}",
            hint="give each a name of its own: a model finds them by it",
        )
    for column in columns:
        _prepare_array(as_column(frame[column]), f"column {column!r}", protocol)
    if protocol == "v2":
        # Each column has a type of its own there.
        return frame, names
    rows = as_array(frame.to_numpy())
    return _prepare_array(rows, "the frame", protocol), names or [str(each) for each in columns]


def _table(rows: Array, names: Sequence[str]) -> Table:
    return Table({str(name): as_column(column) for name, column in zip(names, rows.T, strict=True)})


def _check_kind(data: Any) -> None:
    """Raise PayloadError for containers that numpy takes for something else than they are."""
    kind = type(data).__name__
    if hasattr(data, "toarray"):
        raise PayloadError(
            f"a {kind} is sparse, and messages have every value", hint="data.toarray()"
        )
    if hasattr(data, "to_pandas"):
        raise PayloadError(f"a {kind} is no frame of pandas or polars", hint="data.to_pandas()")
    if getattr(data, "mask", None) is not None and hasattr(data, "filled") and data.mask.any():
        raise PayloadError(
            "values of the array are masked, and messages have no mask",
            hint="data.filled(...) with what the model takes for missing, such as nan",
        )


def _prepare_array(array: Array, where: str, protocol: str) -> Array:
    kind = array.dtype.kind
    if kind in _MOMENTS:
        raise PayloadError(
            f"{where} holds {_MOMENTS[kind]}, which {_no_form(protocol)}", hint=_MOMENTS_HINT
        )
    if kind == "S" and protocol != "v2":
        raise _foreign(where, "bytes", protocol)
    return _prepare_objects(array, where, protocol) if kind == "O" else array


def _prepare_objects(array: Array, where: str, protocol: str) -> Array:
    kinds = set(map(type, array.flat))
    nulls = missing_kinds(kinds)
    for kind in kinds - nulls:
        if not _has_form(kind, protocol):
            raise _foreign(where, kind.__name__, protocol)
    missing = [
        index
        for index, value in enumerate(array.flat)
        if type(value) in nulls or (isinstance(value, float) and math.isnan(value))
    ]
    if not missing:
        return array
    if protocol == "v2":
        raise PayloadError(
            f"{where} has values that are missing among others than numbers",
            why="V2 has no null: it would be the text 'None'",
            hint="fill them with what the model takes for missing: fillna('')"
            if array.ndim < 2
            else "give a frame: each of its columns has a type of its own",
        )
    filled = array.copy()
    filled.flat[missing] = None
    return filled


def _has_form(kind: type, protocol: str) -> bool:
    import numpy as np

    if protocol == "v2":
        return issubclass(kind, (str, bytes, bool, int, float, np.number, np.bool_))
    # Rows of another length or of objects are JSON too, and some models read them.
    return issubclass(kind, (str, bool, int, float, list, dict, np.number, np.bool_))


def _foreign(where: str, kind: str, protocol: str) -> PayloadError:
    hints = {
        "dict": "columns are flat: give each of its values a column of its own, or take protocol "
        "seldon, whose JSON has objects",
        "Decimal": "column.astype(float)",
        "bytes": "send text, or protocol v2, which has bytes",
        "Timestamp": _MOMENTS_HINT,
        "datetime": _MOMENTS_HINT,
        "date": _MOMENTS_HINT,
    }
    return PayloadError(
        f"{where} holds values of type {kind}, which {_no_form(protocol)}",
        hint=hints.get(kind, "send text or numbers instead: what the model reads"),
    )


def _no_form(protocol: str) -> str:
    return "V2 has no datatype for" if protocol == "v2" else "JSON has no form for"
