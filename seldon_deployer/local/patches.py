"""Patches that know no schema: JSON patch and JSON merge patch."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from seldon_deployer.local.merge import ABSENT, is_same
from seldon_deployer.manifest.strategic import PatchError

Object = dict[str, Any]


def merge_patch(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), change)
    return merged


def json_patch(value: Any, operations: Any) -> Any:
    """Apply a JSON patch (RFC 6902), wholly or not at all. Raises PatchError."""
    if not isinstance(operations, list) or not all(isinstance(op, dict) for op in operations):
        raise PatchError(
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
            is_malformed=True,
        )
    result = deepcopy(value)
    for operation in operations:
        result = _run(result, operation)
    return result


def _run(value: Any, operation: Object) -> Any:
    kind, path = operation.get("op"), _pointer(operation.get("path"))
    if kind in ("add", "replace", "test") and "value" not in operation and kind != "test":
        raise PatchError(f"{kind} operation does not apply: missing value")
    if kind == "add":
        return _put(value, path, deepcopy(operation["value"]), "add")
    if kind == "replace":
        _find(value, path, "replace")
        return _put(value, path, deepcopy(operation["value"]), "replace")
    if kind == "remove":
        return _drop(value, path)
    if kind == "test":
        if not is_same(_find(value, path, "test", default=None), operation.get("value")):
            raise PatchError(f"testing value {operation['path']} failed: test failed")
        return value
    if kind in ("move", "copy"):
        source = _pointer(operation.get("from"))
        item = deepcopy(_find(value, source, str(kind)))
        return _put(_drop(value, source) if kind == "move" else value, path, item, str(kind))
    raise PatchError(f"Unexpected kind: {kind}")


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError("a JSON pointer starts with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _find(value: Any, path: list[str], kind: str, default: Any = ABSENT) -> Any:
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif default is not ABSENT:
            return default
        else:
            shown = "/" + "/".join(path)
            raise PatchError(f"{kind} operation does not apply: doc is missing path: {shown}")
    return value


def _put(value: Any, path: list[str], item: Any, kind: str) -> Any:
    if not path:
        return item
    parent, last = _find(value, path[:-1], kind), path[-1]
    if isinstance(parent, dict):
        parent[last] = item
    elif isinstance(parent, list) and last == "-":
        parent.append(item)
    elif isinstance(parent, list) and last.isdecimal() and int(last) <= len(parent):
        if kind == "replace":
            parent[int(last)] = item
        else:
            parent.insert(int(last), item)
    else:
        shown = "/" + "/".join(path)
        raise PatchError(f"{kind} operation does not apply: doc is missing path: {shown}")
    return value


def _drop(value: Any, path: list[str]) -> Any:
    _find(value, path, "remove")
    if not path:
        return None
    parent = _find(value, path[:-1], "remove")
    if isinstance(parent, dict):
        del parent[path[-1]]
    else:
        del parent[int(path[-1])]
    return value
