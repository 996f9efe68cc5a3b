"""Named columns: what a message calls them, and what the model was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seldon_deployer.server.component import UnitError


def order_columns(rows: Any, names: Sequence[str], expected: Sequence[str]) -> Any:
    """Bring the columns of an array (rows, columns) into the model's order.

    Where the message names none of the model's own columns, its names are what a client happens to
    call them, and it is the place that counts, as on Seldon's own servers. Raises UnitError 400
    where it names some of them and not others: the places cannot be right then.
    """
    if list(names) == list(expected):
        return rows
    if getattr(rows, "ndim", 0) != 2 or rows.shape[1] != len(names):
        return rows
    if not is_named(names, expected):
        _check_names(names, expected)
        return rows
    place = {name: index for index, name in enumerate(names)}
    return rows[:, [place[name] for name in expected]]


def is_named(names: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether a message names the model's own columns, in whichever order."""
    return bool(expected) and sorted(names) == sorted(expected)


def _check_names(names: Sequence[str], expected: Sequence[str]) -> None:
    missing = [name for name in expected if name not in names]
    if len(missing) == len(expected) or len(set(names)) != len(names):
        return
    others = [name for name in names if name not in expected]
    told = [f"{', '.join(missing)} missing"] if missing else []
    told += [f"{', '.join(others)} unknown to it"] if others else []
    raise UnitError(
        f"the columns are not those that the model was trained with: {'; '.join(told)}; "
        f"it was trained with {', '.join(expected)}"
    )


def build_frame(rows: Any, columns: Sequence[str]) -> Any:
    """Turn an array (rows, columns) into a pandas frame, numbers and text each in their own dtype.

    Raises ImportError where pandas is not installed.
    """
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns))
    # An array of text and numbers is of objects; a model for frames wants each column's own type.
    return frame.infer_objects() if rows.dtype.kind == "O" else frame


def is_text_column(rows: Any) -> bool:
    """Whether an array is one column of texts, as V2 carries them."""
    if getattr(rows, "ndim", 0) != 2 or rows.shape[1] != 1 or rows.dtype.kind not in "OU":
        return False
    return all(isinstance(value, str) for value in rows.ravel())


def as_column(answer: Any) -> Any:
    """One value per row as one column, as MLServer 1.3.5 answers; other arrays as they are."""
    import numpy as np

    array = np.asarray(answer)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def is_frame(value: Any) -> bool:
    """Whether a value is a frame. Known by its looks: pandas is not imported for those without."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")
