"""A prediction's answer as named columns, and as a frame of pandas or polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import PayloadError, UsageError
from seldon_deployer.payload import Message, Tensor, decode_message, decode_v2
from seldon_deployer.payload.arrays import to_column

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array

# What a column is called where the answer gives no name.
_PREDICTION = "prediction"


def read_columns(message: Message, protocol: str) -> dict[str, Array]:
    """Read an answer as columns of shape (rows,), in order.

    Names are those of the answer; a V2 output of several columns is numbered. Of a JSON value,
    objects with the same names are rows, and lists of one length by name are columns. Raises
    PayloadError for an answer that is no table.
    """
    if protocol == "v2":
        columns: dict[str, Array] = {}
        for output in decode_v2(message, "outputs"):
            columns |= _columns(output, [])
    else:
        payload = decode_message(message)
        if payload.form == "jsonData":
            columns = _columns_of_json(payload.value)
        elif payload.form in {"ndarray", "tensor"}:
            columns = _columns(Tensor(_PREDICTION, payload.value), payload.names)
        else:
            raise PayloadError(f"the answer is {payload.form}, not rows")
    if not columns:
        raise PayloadError("the answer has no columns")
    if len({len(column) for column in columns.values()}) > 1:
        raise PayloadError("the outputs differ in their number of rows")
    return columns


def to_pandas(message: Message, protocol: str, *, index: Any = None) -> Any:
    """Read an answer as a pandas frame; with `index`, that of the question, where it fits."""
    try:
        import pandas as pd
    except ImportError as error:
        raise _missing("pandas") from error
    columns = read_columns(message, protocol)
    rows = len(next(iter(columns.values())))
    fits = index is not None and not callable(index) and len(index) == rows
    return pd.DataFrame(columns, index=index if fits else None)


def to_polars(message: Message, protocol: str) -> Any:
    """Read an answer as a polars frame."""
    try:
        import polars as pl  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise _missing("polars") from error
    return pl.DataFrame({k: v.tolist() for k, v in read_columns(message, protocol).items()})


def _columns(tensor: Tensor, names: list[str]) -> dict[str, Array]:
    array = tensor.array
    if array.ndim == 0:
        raise PayloadError("a single value is no table")
    if array.ndim == 1:
        return {names[0] if len(names) == 1 else tensor.name: array}
    if array.ndim > 2:
        raise PayloadError(f"an answer of shape {list(array.shape)} is no table")
    width = array.shape[1]
    if len(names) != width or len(set(names)) != width:
        names = [tensor.name] if width == 1 else [f"{tensor.name}_{i}" for i in range(width)]
    return {name: array[:, i] for i, name in enumerate(names)}


def _columns_of_json(value: Any) -> dict[str, Array]:
    if isinstance(value, list) and value:
        rows = [row for row in value if isinstance(row, dict) and row]
        if len(rows) == len(value) and all(row.keys() == rows[0].keys() for row in rows):
            return {name: to_column([row[name] for row in rows]) for name in rows[0]}
        # Each is one answer, whatever it holds: such as the entities of one text.
        return {_PREDICTION: to_column(value)}
    if isinstance(value, dict):
        lengths = {len(each) if isinstance(each, list) else None for each in value.values()}
        if len(lengths) == 1 and None not in lengths:
            return {name: to_column(each) for name, each in value.items()}
    raise PayloadError("the answer is a JSON value, not rows")


def _missing(library: str) -> UsageError:
    return UsageError(f"{library} is not installed", hint=f"pip install {library}")
