"""Columns of categories: a message calls them by value, the model knows them by number.

XGBoost and LightGBM take pandas' categories as numbers, and keep beside the trees which value each
number stands for. A message has no dtype that would tell: text is always a value; a number is one
where the message names the model's columns, as a frame does, and else the category's number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seldon_deployer.server.columns import is_named
from seldon_deployer.server.component import UnitError

_TEXT = "OUS"
_SHOWN = 10


def encode_categories(
    rows: Any,
    categories: Mapping[int, Sequence[Any]],
    *,
    names: Sequence[str],
    expected: Sequence[str],
    takes_unknown: bool,
) -> Any:
    """Write the numbers of categories for their values: an array (rows, columns) of floats.

    categories: the values by the place of their column. names: what the message calls its columns;
    expected: what the model calls them. takes_unknown: a value that was never seen counts as
    missing; else it is refused with UnitError 400. Rows that hold no value of a category come back
    as they are.
    """
    import numpy as np

    if not categories or rows.ndim != 2:
        return rows
    is_frame = is_named(names, expected)
    if not is_frame and rows.dtype.kind not in _TEXT:
        return rows
    encoded = np.empty(rows.shape, dtype=np.float64)
    for place in range(rows.shape[1]):
        column = rows[:, place]
        if known := categories.get(place):
            codes = {value: float(code) for code, value in enumerate(known)}
            are_values = is_frame and not isinstance(known[0], str)
            column = [_code(value, codes, are_values, takes_unknown) for value in column.tolist()]
        encoded[:, place] = column
    return encoded


def _code(value: Any, codes: Mapping[Any, float], are_values: bool, takes_unknown: bool) -> float:
    """The number of a category; are_values: whether a number is a value too."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    if not (are_values or isinstance(value, str)):
        return float(value)
    if value in codes:
        return codes[value]
    if takes_unknown:
        return math.nan
    known = ", ".join(map(repr, list(codes)[:_SHOWN]))
    raise UnitError(f"{value!r} is no category that the model was trained with: {known}")
