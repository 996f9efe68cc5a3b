"""Messages as Seldon's wrapper reads and writes them, its faults included: for `--strict-compat`.

Nothing is checked. What numpy makes of a document is the payload, and what it raises answers the
request: 500 in its own words, as there. Source: Seldon Core v1.17.1, Python wrapper, observed.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from seldon_deployer.payload import Form, Message, Payload, decode_message, encode_message


def decode_loosely(message: Message) -> Payload:
    """Read a message's payload; an empty array where `data` holds none.

    Raises what numpy and Python raise, and PayloadError for what is no message at all.
    """
    if "data" in message:
        return _decode_data(message)
    if "jsonData" not in message:
        if "strData" in message:
            return Payload(message["strData"], "strData")
        # Of a message in memory it holds bytes already.
        if "binData" in message and not isinstance(message["binData"], bytes):
            return Payload(b64decode(message["binData"]), "binData")
    return decode_message(message)


def encode_loosely(
    value: Any, *, like: Form | None = None, names: Sequence[str] | None = None
) -> Message:
    """Write a value as the payload of a message: a list as it is, NaN and infinities as they are.

    Raises PayloadError for a type that no field takes.
    """
    import numpy as np

    if like == "array" or not isinstance(value, (list, np.ndarray)):
        return encode_message(value, like=like, names=names)
    array = np.asarray(value)
    if names is None:
        names = [f"t:{column}" for column in range(array.shape[1])] if array.ndim > 1 else []
    data: Message = {"names": names}
    if like != "ndarray" and np.issubdtype(array.dtype, np.number):
        data["tensor"] = {"shape": list(array.shape), "values": array.ravel().tolist()}
    else:
        data["ndarray"] = value if isinstance(value, list) else array.tolist()
    return {"data": data}


def encode_document(value: Any) -> bytes:
    """Write a document with NaN and Infinity in it, which are no JSON, and only ASCII.

    Raises TypeError or ValueError for what cannot be written.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_to_plain)
    return f"{text}\n".encode()


def _decode_data(message: Message) -> Payload:
    import numpy as np

    data = message["data"]
    if isinstance(data, dict) and ("tftensor" in data or hasattr(data.get("array"), "dtype")):
        # Of a message in memory; and what is read over gRPC alone.
        return decode_message(message)
    form: Form = "ndarray"
    if "tensor" in data:
        form = "tensor"
        value = np.array(data["tensor"]["values"]).reshape(data["tensor"]["shape"])
    elif "ndarray" in data:
        value = np.array(data["ndarray"])
    else:
        value = np.array([])
    return Payload(value, form, data["names"] if data and "names" in data else [])


def _to_plain(value: Any) -> Any:
    """What numpy holds as Python has it: a unit may answer it here without the flag, too."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no JSON form")
