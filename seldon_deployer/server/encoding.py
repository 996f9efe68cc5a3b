"""JSON in and out: orjson where it is installed, the standard library where it is not."""

from __future__ import annotations

import json
from typing import Any

from seldon_deployer.errors import PayloadError

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]


# The words of Seldon's wrapper.
NO_JSON = "Can't find JSON in data"


def decode_json(text: bytes | str) -> Any:
    """Read a document. Raises PayloadError, "Can't find JSON in data"."""
    if orjson is not None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            # Python's own encoder writes NaN, which is no JSON; clients send it all the same.
            pass
    try:
        return json.loads(text)
    # ValueError: no JSON, no UTF-8, or a whole number of more digits than Python reads.
    except (ValueError, RecursionError) as error:
        raise PayloadError(NO_JSON) from error


def encode_json(value: Any) -> bytes:
    """Write a document as Seldon's wrapper does: sorted keys, compact, a newline at the end.

    Raises TypeError or ValueError for what JSON cannot hold.
    """
    if orjson is not None:
        try:
            return orjson.dumps(
                value,
                option=orjson.OPT_SORT_KEYS
                | orjson.OPT_APPEND_NEWLINE
                | orjson.OPT_SERIALIZE_NUMPY,
            )
        except orjson.JSONEncodeError:
            # It has no integers past 64 bits; the standard library has.
            pass
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()
