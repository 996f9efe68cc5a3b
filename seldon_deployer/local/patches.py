"""The patches that are not apply: JSON patch, JSON merge patch, strategic merge patch."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from seldon_deployer.local.merge import ABSENT, Schema, child_schema, is_same

Object = dict[str, Any]
_DIRECTIVES = ("$patch", "$retainKeys")


class PatchError(Exception):
    """A patch that cannot be read (`is_malformed`) or does not fit the object."""

    def __init__(self, message: str, *, is_malformed: bool = False) -> None:
        super().__init__(message)
        self.is_malformed = is_malformed


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


def strategic_merge(schema: Schema, value: Any, patch: Any) -> Any:
    """Apply a strategic merge patch: lists with a merge key are merged by it.

    Knows `$patch: delete|replace|merge`, `$retainKeys`, `$deleteFromPrimitiveList/...` and
    `$setElementOrder/...`. Raises PatchError.
    """
    if not isinstance(patch, dict):
        return deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: deepcopy(item) for name, item in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    merged = dict(value) if isinstance(value, dict) else {}
    if "$retainKeys" in patch:
        merged = {name: item for name, item in merged.items() if name in patch["$retainKeys"]}
    for name, change in patch.items():
        _merge_field(schema, merged, name, change)
    for name, order in patch.items():
        if name.startswith("$setElementOrder/"):
            field = name.partition("/")[2]
            if isinstance(merged.get(field), list):
                merged[field] = _order(
                    _merge_key(child_schema(schema, field)), merged[field], order
                )
    return merged


def _merge_field(schema: Schema, merged: Object, name: str, change: Any) -> None:
    if name.startswith("$deleteFromPrimitiveList/"):
        field = name.partition("/")[2]
        merged[field] = [item for item in merged.get(field) or [] if item not in change]
    elif name in _DIRECTIVES or name.startswith("$setElementOrder/"):
        return
    elif change is None:
        merged.pop(name, None)
    elif isinstance(change, list):
        merged[name] = _merge_list(child_schema(schema, name), merged.get(name), change)
    else:
        below = strategic_merge(child_schema(schema, name), merged.get(name), change)
        if isinstance(change, dict) and change.get("$patch") == "delete":
            merged.pop(name, None)
        else:
            merged[name] = below


def _merge_list(schema: Schema, live: Any, patch: list[Any]) -> list[Any]:
    if schema.get("x-kubernetes-patch-strategy") != "merge":
        return deepcopy(patch)
    merged: list[Any] = list(live) if isinstance(live, list) else []
    key = _merge_key(schema)
    if not key:
        return merged + [item for item in patch if item not in merged]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [deepcopy(item) for item in patch if item.get("$patch") != "replace"]
    for change in patch:
        if not isinstance(change, dict) or key not in change:
            raise PatchError(f"map: {change} does not contain declared merge key: {key}")
        found = [i for i, item in enumerate(merged) if item.get(key) == change[key]]
        if change.get("$patch") == "delete":
            merged = [item for i, item in enumerate(merged) if i not in found]
        elif found:
            merged[found[0]] = strategic_merge(schema["items"], merged[found[0]], change)
        else:
            merged.append(strategic_merge(schema["items"], {}, change))
    return merged


def _order(key: str, items: list[Any], order: list[Any]) -> list[Any]:
    """Put listed items into the wanted order; others keep their place relative to those before."""
    wanted = [item[key] for item in order] if key else order
    rank = {value: index for index, value in enumerate(wanted)}
    listed = sorted((i for i in items if _name(i, key) in rank), key=lambda i: rank[_name(i, key)])
    result, position = list(listed), 0
    for item in items:
        if _name(item, key) in rank:
            position = result.index(item) + 1
        else:
            result.insert(position, item)
            position += 1
    return result


def _name(item: Any, key: str) -> Any:
    return item.get(key) if key else item


def _merge_key(schema: Schema) -> str:
    return str(schema.get("x-kubernetes-patch-merge-key", ""))


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
