"""protobuf's values for JSON (`google.protobuf.Value`) <-> plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def read_value(value: Any) -> Any:
    """A Value as what JSON has for it; numbers are floats, one without a kind is None."""
    match value.WhichOneof("kind"):
        case "list_value":
            return read_list(value.list_value)
        case "struct_value":
            return {name: read_value(part) for name, part in value.struct_value.fields.items()}
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


def read_list(values: Any) -> list[Any]:
    """A ListValue as a list."""
    return [read_value(value) for value in values.values]


def write_value(value: Any, into: Any) -> None:
    """Write what JSON can hold into a Value; numpy's numbers count as Python's.

    Raises TypeError for anything else.
    """
    if value is None:
        into.null_value = 0
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, (int, float)):
        into.number_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, Mapping):
        # Also where there is nothing to set: an empty object is no null.
        into.struct_value.SetInParent()
        for name, part in value.items():
            write_value(part, into.struct_value.fields[name])
    elif isinstance(value, Sequence):
        into.list_value.SetInParent()
        write_list(value, into.list_value)
    elif hasattr(value, "tolist"):
        write_value(value.tolist(), into)
    else:
        raise TypeError(f"a {type(value).__name__} is nothing that JSON can hold")


def write_list(values: Sequence[Any], into: Any) -> None:
    """Write a list into a ListValue. Raises TypeError for what JSON cannot hold."""
    for value in values:
        write_value(value, into.values.add())
