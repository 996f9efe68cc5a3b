"""What looks odd in what a caller asks with: no error by itself, but the likely cause of one.

A list of one dimension is what a model of texts takes, and what a model of rows refuses; a dict is
a whole message, which a class with raw methods may have defined for itself. So they are sent as
they are, and where they are refused, this is what to try.
"""

from __future__ import annotations

import json
from typing import Any

# Source: Seldon Core v1.17.1, prediction.proto, SeldonMessage; Open Inference Protocol.
_PARTS = {"seldon": ("data", "jsonData", "strData", "binData", "customData"), "v2": ("inputs",)}


def find_doubt(data: Any, protocol: str) -> str:
    """What to try if a model refuses this; '' where it looks as data mostly do."""
    if isinstance(data, dict):
        return _of_dict(data, protocol)
    if isinstance(data, str):
        return "for rows give the value, json.loads(text)" if looks_like_json(data) else ""
    if isinstance(data, bytes):
        return ""
    shape = _shape(data)
    if shape[:1] == (0,):
        return "there are no rows in it: give one or more"
    if len(shape) == 1:
        return (
            f"correct the data: it is a list of {shape[0]}. If these are the values of one row, "
            "give a list of one row, [[...]], or of an array its reshape(1, -1)"
        )
    return ""


def looks_like_json(text: str) -> bool:
    """Whether a text is a list or an object of JSON."""
    if not text.lstrip().startswith(("[", "{")):
        return False
    try:
        return isinstance(json.loads(text), (list, dict))
    except (ValueError, RecursionError):
        return False


def _of_dict(message: dict[str, Any], protocol: str) -> str:
    parts = _PARTS[protocol]
    if any(part in message for part in parts):
        return ""
    return (
        f"a dict is sent as a whole message, and this one has none of its parts "
        f"({', '.join(parts)}): for one row of named values give a list of it, [row], for columns "
        "a frame"
    )


def _shape(data: Any) -> tuple[int, ...]:
    """The shape of an array or a frame; of lists only whether they have one dimension or more."""
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple):
        return shape
    if not isinstance(data, (list, tuple)):
        return (1, 1)
    is_flat = all(
        isinstance(value, (str, bytes)) or not hasattr(value, "__len__") for value in data
    )
    return (len(data),) if is_flat else (len(data), 1)
