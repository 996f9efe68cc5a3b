"""What a caller has -> a request; an answer -> what the caller wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload.arrays import as_array, to_list
from seldon_deployer.payload.seldon import Message, decode_message, encode_message
from seldon_deployer.payload.v2 import Tensor, decode_v2, encode_v2


def build_request(
    data: Any, *, protocol: str = "seldon", names: Sequence[str] | None = None
) -> Message:
    """Write what a caller has as a prediction request of the protocol (`seldon` or `v2`).

    Arrays and nested lists become an ndarray or one V2 input; a pandas frame its named columns;
    str and bytes strData and binData (Seldon only); a dict is a whole message already.
    Raises PayloadError for what cannot be sent.
    """
    if isinstance(data, dict):
        return data
    if protocol == "v2":
        return _v2_request(data)
    if isinstance(data, (str, bytes)):
        return encode_message(data)
    if _is_frame(data):
        names = names or [str(column) for column in data.columns]
    part: Message = {"names": list(names)} if names else {}
    return {"data": part | {"ndarray": to_list(as_array(data))}}


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


def _v2_request(data: Any) -> Message:
    if _is_frame(data):
        columns = [
            Tensor(str(column), as_array(data[column]).reshape(-1, 1)) for column in data.columns
        ]
        return {
            "parameters": {"content_type": "pd"},
            "inputs": [encode_v2(column) for column in columns],
        }
    if isinstance(data, (str, bytes)):
        raise PayloadError(f"a {type(data).__name__} is no V2 input; send an array")
    tensor = encode_v2(Tensor("input-0", as_array(data)))
    return {"inputs": [tensor | {"parameters": {"content_type": "np"}}]}


def _is_frame(data: Any) -> bool:
    # Known by its looks, so that pandas is never imported for those who do not use it.
    return hasattr(data, "columns") and hasattr(data, "to_numpy")
