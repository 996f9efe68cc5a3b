"""What a caller has -> a request; an answer -> what the caller wants."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import as_array, as_column, to_list
from seldon_deployer.payload.seldon import Message, decode_message, encode_message
from seldon_deployer.payload.v2 import Tensor, decode_v2, encode_v2

if TYPE_CHECKING:
    from seldon_deployer.payload.arrays import Array


def build_request(
    data: Any,
    *,
    protocol: str = "seldon",
    names: Sequence[str] | None = None,
    as_arrays: bool = False,
) -> Message:
    """Write what a caller has as a prediction request of the protocol (`seldon` or `v2`).

    Arrays and nested lists become an ndarray or one V2 input; a frame of pandas or polars, and
    rows with `names`, named columns; str and bytes strData and binData, or a V2 input of one
    element; a dict is a whole message already. `as_arrays` leaves V2 tensors arrays, to be sent
    as bytes. Raises PayloadError for what cannot be sent.
    """
    if isinstance(data, dict):
        return data
    if _is_frame(data):
        names = names or [str(column) for column in data.columns]
    if protocol == "v2":
        return _v2_request(data, names, as_arrays)
    if isinstance(data, (str, bytes)):
        return encode_message(data)
    rows = as_array(data)
    _check_names(rows, names)
    part: Message = {"names": list(names)} if names else {}
    return {"data": part | {"ndarray": to_list(rows)}}


def read_response(message: Message, *, protocol: str = "seldon") -> Any:
    """Take the value out of a prediction's answer.

    An array for data and for a V2 answer with one output (several: a dict of arrays by name);
    else the text, bytes or JSON value. Raises PayloadError.
    """
    if protocol == "v2":
        outputs = decode_v2(message, "outputs")
        if len(outputs) == 1:
            return outputs[0].array
        return {output.name: output.array for output in outputs}
    return decode_message(message).value


def _v2_request(data: Any, names: Sequence[str] | None, as_arrays: bool) -> Message:
    if isinstance(data, (str, bytes)):
        return {"inputs": [_one_element(data, as_arrays)]}
    if names:
        columns = _columns_of(data, names)
        return {
            "parameters": {"content_type": "pd"},
            "inputs": [encode_v2(column, as_array=as_arrays) for column in columns],
        }
    tensor = encode_v2(Tensor("input-0", as_array(data)), as_array=as_arrays)
    return {"inputs": [tensor | {"parameters": {"content_type": "np"}}]}


def _columns_of(data: Any, names: Sequence[str]) -> list[Tensor]:
    """The columns of a frame, each with its own type, or those of rows."""
    if _is_frame(data):
        taken = [data[column] for column in data.columns]
    else:
        rows = as_array(data)
        _check_names(rows, names)
        taken = list(rows.T) if rows.ndim == 2 else []
        if not taken:
            raise PayloadError(
                f"{len(names)} names need rows of two dimensions, not {rows.ndim}",
                hint="give one row as [[...]], or leave out names",
            )
    if len(taken) != len(names):
        raise PayloadError(f"{len(names)} names are given for {len(taken)} columns")
    return [
        Tensor(str(name), as_column(column).reshape(-1, 1))
        for name, column in zip(names, taken, strict=True)
    ]


def _check_names(rows: Array, names: Sequence[str] | None) -> None:
    if names and rows.ndim == 2 and rows.shape[1] != len(names):
        raise PayloadError(f"{len(names)} names are given for {rows.shape[1]} columns")


def _one_element(data: str | bytes, as_arrays: bool) -> Message:
    import numpy as np

    # What JSON cannot hold goes as MLServer's codec for bytes has it.
    is_encoded = isinstance(data, bytes) and not as_arrays
    value = b64encode(data) if is_encoded and isinstance(data, bytes) else data
    array = np.empty((1, 1), object)
    array[0, 0] = value
    kind = "base64" if is_encoded else "str"
    parameters = {} if isinstance(data, bytes) and as_arrays else {"content_type": kind}
    return {
        **encode_v2(Tensor("input-0", array), as_array=as_arrays),
        "parameters": parameters,
    }


def _is_frame(data: Any) -> bool:
    # Known by its looks, so that pandas is never imported for those who do not use it.
    return hasattr(data, "columns") and hasattr(data, "to_numpy")
