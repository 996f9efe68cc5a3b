"""Arrays <-> the nested lists of JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import PayloadError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

# numpy's own bound.
_MOST_DIMENSIONS = 64
# How long a dimension of an array without values may be, and how many characters a small one has.
_MOST_EMPTY = 1_000_000
_MOST_TIMES = 16
_NULLS = frozenset({"NoneType", "NAType", "NaTType"})


def to_array(values: list[Any], *, null_is_nan: bool = True) -> Array:
    """Turn nested lists into an array.

    Numbers keep their kind, None among them is NaN, or else all of them are objects; text mixed
    with numbers gives dtype object. Raises PayloadError when rows differ in length.
    """
    import numpy as np

    # numpy gives each text the room of the longest: one long one among many short is all memory.
    dtype = object if _has_long_text(values) else None
    try:
        array = np.array(values, dtype=dtype)
        if array.dtype.kind in "US" and not all(isinstance(leaf, str) for leaf in leaves(values)):
            # numpy would turn the numbers beside the text into text.
            return np.array(values, dtype=object)
        if array.dtype.kind == "O" and all(
            _is_number(leaf) or (null_is_nan and leaf is None) for leaf in array.flat
        ):
            return array.astype(float)
    except ValueError as error:
        raise PayloadError("rows of the array differ in length") from error
    except OverflowError as error:
        raise PayloadError("a number of the array is too large") from error
    return array


def to_list(array: Array) -> list[Any]:
    """Turn an array into nested lists that JSON can hold: NaN is None, an infinity is an error."""
    import numpy as np

    if array.dtype.kind == "c":
        raise PayloadError("complex numbers have no JSON form")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        if np.isinf(array).any():
            raise PayloadError("an infinite number has no JSON form")
        missing = np.isnan(array)
        array = array.astype(object)
        array[missing] = None
    values: list[Any] = array.tolist()
    if array.dtype.kind == "O":
        return [_json_value(value) for value in values]
    return values


def as_array(data: Any) -> Array:
    """Take what a caller has, lists or anything that numpy reads, as an array of one dimension up.

    Raises PayloadError for a single value.
    """
    import numpy as np

    if isinstance(data, (list, tuple)):
        return to_array(list(data))
    array = np.asarray(data)
    if array.ndim == 0:
        raise PayloadError(
            f"a {type(data).__name__} is no list of rows",
            hint="give an array, nested lists such as [[1, 2]], or a whole message as a dict",
        )
    return array


def as_column(data: Any) -> Array:
    """Take one column's values as an array, numbers as numbers where all of them are.

    What libraries of frames have for missing values is NaN among numbers, and where there is
    nothing else. All other values are as `as_array` takes them.
    """
    import numpy as np

    array = as_array(data)
    if array.dtype.kind != "O" or not array.size:
        return array
    values = array.tolist()
    kinds = set(map(type, values))
    nulls = missing_kinds(kinds)
    # Of numbers alone: numpy makes text of what stands beside text, and cuts bytes at a zero.
    if not all(issubclass(kind, (int, float, np.number, np.bool_)) for kind in kinds - nulls):
        return array
    values = [None if type(value) in nulls else _plain(value) for value in values]
    plain = {type(value) for value in values if value is not None}
    if plain <= {int, float}:
        return to_array(values)
    return array.astype(bool) if plain == {bool} and not nulls else array


def missing_kinds(kinds: Iterable[type]) -> set[type]:
    """Those of the types whose values are missing ones; by name, so that pandas is not loaded."""
    return {kind for kind in kinds if kind.__name__ in _NULLS}


def to_column(values: Sequence[Any]) -> Array:
    """Take each of the values, whatever it holds, as one element of a column, as `as_column`."""
    import numpy as np

    # One by one: numpy makes a dimension more of lists.
    column = np.empty(len(values), object)
    for i, value in enumerate(values):
        column[i] = value
    return as_column(column)


def reshape(array: Array, shape: Any, where: str) -> Array:
    """Give an array the shape that a message tells. Raises PayloadError when they do not agree."""
    if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)):
        raise PayloadError(f"{where}.shape is no list of sizes")
    if math.prod(shape) != array.size:
        raise PayloadError(f"{where} has {array.size} values, its shape {shape} asks for another")
    if len(shape) > _MOST_DIMENSIONS or max(shape, default=0) > max(array.size, _MOST_EMPTY):
        # Of no values an array may have any size but one, and a model takes it at its word.
        raise PayloadError(f"{where}.shape has more dimensions, or larger ones, than an array may")
    return array.reshape(shape)


def leaves(values: Iterable[Any]) -> Iterable[Any]:
    """The values of nested lists, in order."""
    # A stack of its own: a message may be nested deeper than Python calls.
    levels = [iter(values)]
    while levels:
        for value in levels[-1]:
            if isinstance(value, list):
                levels.append(iter(value))
                break
            yield value
        else:
            levels.pop()


def _has_long_text(values: list[Any]) -> bool:
    """Whether an array of text, each in the room of the longest, would be far larger than they."""
    if _is_numeric(values):
        return False
    count = longest = total = 0
    for leaf in leaves(values):
        length = len(leaf) if isinstance(leaf, str) else 1
        count, longest, total = count + 1, max(longest, length), total + length
    return count * longest > max(_MOST_TIMES * total, _MOST_EMPTY)


def _is_numeric(values: list[Any]) -> bool:
    """Whether all values of nested lists are numbers, found out in C; False at a first doubt."""
    flat: Iterable[Any] = values
    first: Any = values
    for _ in range(_MOST_DIMENSIONS):
        first = first[0] if first else None
        if not isinstance(first, list):
            break
        flat = chain.from_iterable(flat)
    try:
        sum(flat)
    except (TypeError, OverflowError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _json_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, float):
        if math.isinf(value):
            raise PayloadError("an infinite number has no JSON form")
        return None if math.isnan(value) else value
    return _plain(value)


def _plain(value: Any) -> Any:
    """A numpy scalar, as object arrays may hold, as Python's own value."""
    return value.item() if hasattr(value, "item") else value
