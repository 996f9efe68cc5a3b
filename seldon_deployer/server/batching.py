"""Joining calls of several requests to one, and taking its answer apart again. No I/O.

Rows are joined along axis 0, of requests that are equal in all else: method, names, dtype, the
shape of a row, and meta where the method reads it.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seldon_deployer.errors import UsageError
from seldon_deployer.payload import Tensor
from seldon_deployer.server.calling import Call
from seldon_deployer.server.columns import is_frame
from seldon_deployer.server.component import INFER_TENSORS
from seldon_deployer.server.inference import Inference

BY_ROWS = ("predict", "transform_input", "transform_output")
SIZE, DELAY = "max_batch_size", "max_batch_delay_ms"
# Of our own loaders: False where a request's arguments are for its own rows alone.
JOINS = "joins_requests"


@dataclass(frozen=True)
class BatchPolicy:
    """How requests may be joined.

    max_rows: the rows of a joined call; one request alone may have more. max_delay_seconds: how
    long a request waits for others that the traffic of a moment ago promises.
    """

    max_rows: int
    max_delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Joinable:
    """What may be joined: calls of equal key, `rows` at a time."""

    key: Hashable
    rows: int


class NotByRow(Exception):
    """The answer to a joined call cannot be taken apart: it does not have a row for each row."""


def read_policy(target: Any, parameters: Mapping[str, Any]) -> BatchPolicy | None:
    """How the class, or a parameter of the unit, asks for batches; None where neither does.

    A size of 0 or 1 asks for none, and so does a class that cannot answer several requests at once.
    Raises UsageError.
    """
    size = _number(target, parameters, SIZE)
    delay = _number(target, parameters, DELAY)
    if size <= 1 or not getattr(target, JOINS, True):
        return None
    return BatchPolicy(int(size), delay / 1000)


def describe_call(call: Call, *, reads_meta: bool) -> Joinable | None:
    """Tell with which other calls this one may be joined; None where it stays alone."""
    if call.method == INFER_TENSORS:
        return _describe_inference(call.values[0])
    if call.method not in BY_ROWS:
        return None
    value, names = call.values
    # One dimension may be one row or many: only the class knows.
    if getattr(value, "ndim", 0) < 2 or not len(value):
        return None
    try:
        meta = json.dumps(call.meta, sort_keys=True) if reads_meta and call.meta else ""
    except (TypeError, ValueError):
        return None
    # A class may answer by whether there are names at all.
    labels = None if names is None else tuple(names)
    return Joinable((call.method, value.dtype.str, value.shape[1:], labels, meta), len(value))


def join_calls(calls: Sequence[Call]) -> Call:
    """Make one call of several of equal key, their rows in order."""
    import numpy as np

    first = calls[0]
    if first.method == INFER_TENSORS:
        inferences = [call.values[0] for call in calls]
        inputs = [
            Tensor(tensor.name, np.concatenate([each.inputs[i].array for each in inferences]))
            for i, tensor in enumerate(inferences[0].inputs)
        ]
        joined = Inference(inputs, inferences[0].outputs, inferences[0].content_type)
        return Call(first.method, (joined,), first.meta)
    rows = np.concatenate([call.values[0] for call in calls])
    return Call(first.method, (rows, first.values[1]), first.meta)


def split_answer(value: Any, rows: Sequence[int]) -> list[Any]:
    """Take the answer to a joined call apart: so many rows for each request, in order.

    Raises NotByRow when it does not have as many rows as went in.
    """
    total = sum(rows)
    if isinstance(value, list) and value and all(isinstance(each, Tensor) for each in value):
        columns = [
            [Tensor(tensor.name, part) for part in _split(tensor.array, rows, total)]
            for tensor in value
        ]
        return [list(parts) for parts in zip(*columns, strict=True)]
    return _split(value, rows, total)


def _split(value: Any, rows: Sequence[int], total: int) -> list[Any]:
    is_sequence = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0
    if not is_sequence:
        raise NotByRow(f"it returned a {type(value).__name__} for {total} rows")
    if len(value) != total:
        raise NotByRow(f"it returned {len(value)} rows for {total}")
    sliced = value.iloc if is_frame(value) else value
    parts = []
    start = 0
    for count in rows:
        parts.append(sliced[start : start + count])
        start += count
    return parts


def _describe_inference(inference: Inference) -> Joinable | None:
    arrays = [tensor.array for tensor in inference.inputs]
    if any(array.ndim < 1 for array in arrays):
        return None
    rows = len(arrays[0])
    if not rows or any(len(array) != rows for array in arrays):
        return None
    # Outside a table one dimension may be one row or many: only the model knows.
    if any(array.ndim == 1 for array in arrays) and not inference.is_frame:
        return None
    inputs = tuple(
        (tensor.name, tensor.array.dtype.str, tensor.array.shape[1:]) for tensor in inference.inputs
    )
    key = (INFER_TENSORS, inputs, tuple(inference.outputs), inference.content_type)
    return Joinable(key, rows)


def _number(target: Any, parameters: Mapping[str, Any], name: str) -> float:
    value = parameters.get(name, getattr(target, name, 0))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise UsageError(
            f"{name} is {value!r}",
            why="it has to be a number, not negative",
            hint="rows for max_batch_size, milliseconds for max_batch_delay_ms",
        )
    return float(value)
