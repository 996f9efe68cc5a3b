"""What goes into a pipeline of `transformers`, and what comes out of it, as messages hold them.

Source: MLServer 1.3.5, its Hugging Face runtime: names of inputs, content types, the output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seldon_deployer.payload import Tensor
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.inference import Inference, TypedTensor
from seldon_deployer.server.tensors import as_text

# Names of what a pipeline is given first, whatever it calls that itself: one value, or a list.
_ONE, _LISTS = "args", ("array_inputs", "inputs")
OUTPUT = "output"
_TEXT, _JSON, _JSON_LIST, _RAW = "str", "hg_json", "hg_jsonlist", "raw"
# As MLServer calls a request as a whole, and arrays: they say nothing of a text.
_UNSAID = ("hf", "np", "pd")
# What nobody else may decide: code that is run, and processes that are started.
_FORBIDDEN = frozenset({"trust_remote_code", "custom_generate", "num_workers"})


@dataclass(frozen=True)
class Arguments:
    """How a pipeline is called: with one value, a list of them, or by names alone."""

    given: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if found := _FORBIDDEN.intersection(_keys(dict(self.named))):
            raise UnitError(f"the argument {min(found)} is not taken from a request")
        if self.given and self.given[0] == []:
            raise UnitError("there are no texts")


def read_value(value: Any) -> Arguments:
    """The arguments in a Seldon message. Raises UnitError 400.

    Text is one text, an array of texts a list of them; an object holds arguments by name.
    """
    if isinstance(value, (str, list)):
        return Arguments((value,))
    if isinstance(value, dict):
        return _place(dict(value))
    if hasattr(value, "dtype") and value.dtype.kind in "OSU":
        if value.size != len(value):
            raise UnitError("each row is one text")
        return Arguments((_check_texts(_list_values(value, "the array")),))
    raise UnitError("send texts: strData, an ndarray of them, or jsonData")


def read_inputs(inference: Inference) -> Arguments:
    """The arguments in a V2 request, each read as its content type says. Raises UnitError 400.

    A lone input is what the pipeline is given first, by whatever name.
    """
    named = {
        tensor.name: _read_input(tensor, inference.input_types.get(tensor.name))
        for tensor in inference.inputs
    }
    if len(named) < len(inference.inputs):
        raise UnitError("two inputs have one name")
    if len(named) == 1 and not named.keys() & {_ONE, *_LISTS}:
        named = {_ONE: next(iter(named.values()))}
    if isinstance(one := named.get(_ONE), list) and len(one) == 1:
        named[_ONE] = one[0]
    return _place(named)


def write_output(answer: Any) -> Tensor:
    """The one output of a V2 answer: a JSON document for each element of what was returned."""
    import numpy as np

    listed = answer if isinstance(answer, list) else [answer]
    texts = np.empty((len(listed), 1), object)
    texts[:, 0] = [json.dumps(each) for each in listed]
    return TypedTensor(OUTPUT, texts, _JSON_LIST)


def to_plain(value: Any) -> Any:
    """What a pipeline returned as JSON has it: numpy's and PyTorch's numbers too, null for NaN.

    Raises UnitError 500 for what JSON cannot hold, such as an image.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(name): to_plain(each) for name, each in value.items()}
        case list() | tuple():
            return [to_plain(each) for each in value]
    kind = type(value).__name__
    raise UnitError(f"the answer cannot be sent: it holds a {kind}", 500, REASON_INTERNAL)


def _place(named: dict[str, Any]) -> Arguments:
    """Take what is given first out of the named arguments."""
    first = [name for name in (_ONE, *_LISTS) if name in named]
    if len(first) > 1:
        raise UnitError(f"{' and '.join(first)} are the same argument: send one")
    return Arguments(tuple(named.pop(name) for name in first), named)


def _read_input(tensor: Tensor, kind: str | None) -> Any:
    if kind not in (None, _TEXT, _JSON, _JSON_LIST, _RAW, *_UNSAID):
        raise UnitError(
            f"the content type {kind} of {tensor.name} is not read here; "
            f"send {_TEXT}, {_RAW}, {_JSON} or {_JSON_LIST}"
        )
    values = _list_values(tensor.array, tensor.name)
    if kind in (_JSON, _RAW) and len(values) != 1:
        raise UnitError(f"{tensor.name} holds {len(values)} values, and {kind} is one")
    if kind == _RAW:
        return values[0]
    if kind in (_JSON, _JSON_LIST):
        try:
            documents = [json.loads(each) for each in values]
        except (TypeError, ValueError, RecursionError) as error:
            raise UnitError(f"{tensor.name} holds no JSON") from error
        return documents[0] if kind == _JSON else documents
    if tensor.array.dtype.kind in "OSU":
        return _check_texts(values)
    # Options such as top_k: a number is a number, whatever its shape.
    return values[0] if len(values) == 1 else values


def _list_values(array: Any, name: str) -> list[Any]:
    try:
        values: list[Any] = as_text(array).ravel().tolist()
    except UnicodeDecodeError as error:
        raise UnitError(f"{name} holds bytes that are no text in UTF-8") from error
    return values


def _check_texts(values: list[Any]) -> list[Any]:
    if not all(isinstance(each, str) for each in values):
        raise UnitError("there is something among the texts that is none")
    return values


def _keys(value: Any) -> Iterator[str]:
    """The names at every depth; by a list and not by recursion, for requests may be deep."""
    left = [value]
    while left:
        match left.pop():
            case dict() as found:
                yield from found
                left += found.values()
            case list() as found:
                left += found
