"""The few protobuf messages that kubectl writes: what `kubectl create` makes without a file.

Clients made from Kubernetes' own types write protobuf and read JSON as gladly.
Source: Kubernetes 1.34, `k8s.io/api/core/v1/generated.proto` and apimachinery's.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

Object = dict[str, Any]
Decoder = Callable[[Any], Any]
# By number: name, shape (one, optional, list, map), how a value is read.
Fields = dict[int, tuple[str, str, Decoder]]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


def decode_protobuf(body: bytes) -> Object | None:
    """Read an object; None where it is of a kind that is not known here.

    Raises ValueError where it is no message at all.
    """
    if not body.startswith(_MAGIC):
        raise ValueError("a Kubernetes message starts with its magic bytes")
    envelope = _decode(_ENVELOPE, body[len(_MAGIC) :])
    identity = envelope.get("typeMeta", {})
    fields = _KINDS.get((identity.get("apiVersion"), identity.get("kind")))
    if fields is None:
        return None
    decoded = _decode(fields, envelope.get("raw", b""))
    return {"apiVersion": identity["apiVersion"], "kind": identity["kind"]} | decoded


def _decode(fields: Fields, message: bytes) -> Object:
    """Read the known fields; what is empty is absent, as in JSON."""
    found: Object = {}
    for number, value in _read_fields(message):
        if number not in fields:
            continue
        name, shape, decode = fields[number]
        if shape == "map":
            entry = _decode({1: ("key", "one", _text), 2: ("value", "one", decode)}, value)
            found.setdefault(name, {})[entry.get("key", "")] = entry.get("value", "")
        elif shape == "list":
            found.setdefault(name, []).append(decode(value))
        else:
            decoded = decode(value)
            if decoded or shape == "optional":
                found[name] = decoded
    return found


def _read_fields(message: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        tag, at = _read_number(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _read_number(message, at)
            yield number, value
        elif wire == 2:
            size, at = _read_number(message, at)
            if at + size > len(message):
                raise ValueError("the message is cut")
            yield number, message[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {wire} is not expected")


def _read_number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ValueError("the message is cut")


def _text(value: bytes) -> str:
    return value.decode()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _message(fields: Fields) -> Decoder:
    return lambda value: _decode(fields, value)


_OWNER: Fields = {
    1: ("kind", "one", _text),
    3: ("name", "one", _text),
    4: ("uid", "one", _text),
    5: ("apiVersion", "one", _text),
    6: ("controller", "optional", bool),
    7: ("blockOwnerDeletion", "optional", bool),
}
_METADATA: Fields = {
    1: ("name", "one", _text),
    2: ("generateName", "one", _text),
    3: ("namespace", "one", _text),
    11: ("labels", "map", _text),
    12: ("annotations", "map", _text),
    13: ("ownerReferences", "list", _message(_OWNER)),
    14: ("finalizers", "list", _text),
}
_ENVELOPE: Fields = {
    1: (
        "typeMeta",
        "one",
        _message({1: ("apiVersion", "one", _text), 2: ("kind", "one", _text)}),
    ),
    2: ("raw", "one", bytes),
}
_HEAD: Fields = {1: ("metadata", "one", _message(_METADATA))}
_KINDS: dict[tuple[Any, Any], Fields] = {
    ("v1", "Namespace"): _HEAD,
    ("v1", "ServiceAccount"): _HEAD,
    ("v1", "ConfigMap"): _HEAD
    | {
        2: ("data", "map", _text),
        3: ("binaryData", "map", _base64),
        4: ("immutable", "optional", bool),
    },
    ("v1", "Secret"): _HEAD
    | {
        2: ("data", "map", _base64),
        3: ("type", "one", _text),
        4: ("stringData", "map", _text),
        5: ("immutable", "optional", bool),
    },
}
