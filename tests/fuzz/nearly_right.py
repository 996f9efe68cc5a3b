"""Messages that are nearly right: a right one, with one thing in it changed."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

numbers = st.one_of(
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0, -0.0, 1e308, 2**31, 2**53 + 1, -(2**63), 2**64 - 1]),
)
words = st.text(max_size=5)
# What is hard on readers of JSON and of numbers.
oddities = st.sampled_from(
    [
        None, True, "", "NaN", "0", [], {}, [[]], [None], {"": None}, -1, 0.5, 2**64, -(2**64),
        2**62, 10**400, 2**1024, float("nan"), float("inf"), "\ud800", "\x00", "\u202e", "é" * 3,
        [0, 2**62], [0, 2**40], [1] * 70, [-1], [2**70, 0], [1.0], [True],
    ]
)  # fmt: skip
plain = st.one_of(st.none(), st.booleans(), numbers, words, oddities)
anything = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
sizes = st.integers(1, 4)
DATATYPES = {
    "BOOL": st.booleans(),
    "UINT8": st.integers(0, 255),
    "UINT16": st.integers(0, 2**16 - 1),
    "UINT32": st.integers(0, 2**32 - 1),
    "UINT64": st.integers(0, 2**64 - 1),
    "INT8": st.integers(-128, 127),
    "INT16": st.integers(-(2**15), 2**15 - 1),
    "INT32": st.integers(-(2**31), 2**31 - 1),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "FP16": st.integers(-100, 100),
    "FP32": numbers.filter(lambda number: abs(number) < 1e38),
    "FP64": numbers,
    "BYTES": words,
}


@st.composite
def rows(draw: Any, items: st.SearchStrategy[Any] = numbers) -> list[list[Any]]:
    """Rows of one length."""
    width = draw(sizes)
    return draw(st.lists(st.lists(items, min_size=width, max_size=width), min_size=1, max_size=3))


@st.composite
def tensor(draw: Any) -> dict[str, Any]:
    """Shape and values that agree."""
    height, width = draw(sizes), draw(sizes)
    values = st.lists(numbers, min_size=height * width, max_size=height * width)
    return {"shape": [height, width], "values": draw(values)}


meta = st.fixed_dictionaries(
    {},
    optional={
        "puid": words,
        "tags": st.dictionaries(words, plain, max_size=2),
        "routing": st.dictionaries(words, st.integers(-2, 3), max_size=2),
        "requestPath": st.dictionaries(words, words, max_size=2),
        "metrics": st.lists(
            st.fixed_dictionaries(
                {"key": words, "type": st.sampled_from(["COUNTER", "GAUGE"]), "value": numbers}
            ),
            max_size=2,
        ),
    },
)
names = st.lists(words, max_size=4)
data = st.one_of(
    st.fixed_dictionaries({"ndarray": rows()}, optional={"names": names}),
    st.fixed_dictionaries({"ndarray": rows(words | numbers)}, optional={"names": names}),
    st.fixed_dictionaries({"tensor": tensor()}, optional={"names": names}),
)
payloads = st.one_of(
    st.fixed_dictionaries({"data": data}),
    st.fixed_dictionaries({"strData": st.text()}),
    st.fixed_dictionaries({"binData": st.binary(max_size=9).map(lambda b: b64encode(b).decode())}),
    st.fixed_dictionaries({"jsonData": anything}),
)
# Of several payloads one counts; which one is the reader's rule.
messages = st.tuples(
    st.just({}) | payloads, payloads, st.just({}) | st.fixed_dictionaries({"meta": meta})
).map(lambda parts: parts[0] | parts[1] | parts[2])
feedbacks = st.fixed_dictionaries(
    {"reward": st.integers(-3, 3) | st.floats(-1, 1)},
    optional={"request": messages, "response": messages, "truth": messages},
)
message_lists = st.lists(messages, min_size=1, max_size=3)


@st.composite
def v2_tensor(draw: Any, name: str) -> dict[str, Any]:
    """A tensor of V2 whose datatype, shape and data agree."""
    datatype = draw(st.sampled_from(sorted(DATATYPES)))
    height, width = draw(sizes), draw(sizes)
    values = st.lists(DATATYPES[datatype], min_size=height * width, max_size=height * width)
    return {
        "name": name,
        "datatype": datatype,
        "shape": [height, width],
        "data": draw(values),
    }


@st.composite
def inferences(draw: Any) -> dict[str, Any]:
    """A request of V2."""
    request: dict[str, Any] = {"inputs": [draw(v2_tensor("x"))]}
    optional = {
        "id": words,
        "parameters": st.just({"content_type": "np"}) | st.just({"binary_data_output": True}),
        "outputs": st.just([{"name": "predict"}])
        | st.just([{"name": "predict", "parameters": {"binary_data": True}}]),
    }
    for key, strategy in optional.items():
        if draw(st.booleans()):
            request[key] = draw(strategy)
    return request


@st.composite
def changed(draw: Any, right: st.SearchStrategy[Any]) -> Any:
    """A right document with one place in it changed."""
    document = copy.deepcopy(draw(right))
    holder: Any = {"": document}
    place: Any = ""
    # Down to some place, and not always to the end.
    while isinstance(value := holder[place], (dict, list)) and value and draw(st.booleans()):
        holder, place = value, draw(st.sampled_from(_places(value)))
    _change(draw, holder, place)
    return holder[""] if place == "" and isinstance(holder, dict) and "" in holder else document


def _places(value: Any) -> list[Any]:
    return sorted(value) if isinstance(value, dict) else list(range(len(value)))


def _change(draw: Any, holder: Any, place: Any) -> None:
    value = holder[place]
    match draw(st.sampled_from(["replace", "odd", "remove", "wrap", "twice", "deep", "rename"])):
        case "replace":
            holder[place] = draw(anything)
        case "odd":
            holder[place] = draw(oddities)
        case "remove" if place != "":
            del holder[place]
        case "wrap":
            holder[place] = [value]
        case "twice" if isinstance(holder, list):
            holder.append(value)
        case "deep":
            for _ in range(draw(st.sampled_from([2, 63, 70, 200]))):
                value = [value]
            holder[place] = value
        case "rename" if isinstance(holder, dict) and place != "":
            holder[place + draw(st.sampled_from(["x", " ", "\x00"]))] = holder.pop(place)
        case _:
            holder[place] = draw(oddities)


@st.composite
def spoilt(draw: Any, text: bytes) -> bytes:
    """The bytes of a document with one thing done to them that no document can hold."""
    at = draw(st.integers(0, len(text)))
    match draw(st.sampled_from(["cut", "insert", "mark", "utf-16", "twice", "digits", "number"])):
        case "cut":
            return text[:at]
        case "insert":
            return text[:at] + draw(st.binary(min_size=1, max_size=4)) + text[at:]
        case "mark":
            return b"\xef\xbb\xbf" + text
        case "utf-16":
            return text.decode().encode("utf-16")
        case "twice":
            return text[:1] + text[1:-1] + b"," + text[1:] if text[:1] == b"{" else text + text
        case "digits":
            return _put_number(text, b"1" * draw(st.sampled_from([20, 400, 4301, 20_000])))
        case _:
            number = st.sampled_from([b"1e400", b"-1e400", b"NaN", b"-Infinity", b"1E-5000", b"+1"])
            return _put_number(text, draw(number))


def _put_number(text: bytes, number: bytes) -> bytes:
    """Put digits that Python itself would not write where a number stands, or before it all."""
    for i in range(len(text)):
        if text[i : i + 1].isdigit():
            return text[:i] + number + text[i + 1 :]
    return number + text


def encode(document: Any) -> bytes:
    return json.dumps(document).encode()


def sent(right: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The bodies of a kind of documents: right, changed, and spoilt as bytes."""
    written = right.map(encode)
    return st.one_of(written, changed(right).map(encode), written.flatmap(spoilt))


seldon_documents = st.one_of(messages, feedbacks, message_lists, inferences())
