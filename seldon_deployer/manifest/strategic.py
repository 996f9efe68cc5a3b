"""Strategic merge patch: Kubernetes' own way to say what differs, lists merged by their keys."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from seldon_deployer.manifest.schema import child_schema

Object = dict[str, Any]
Schema = dict[str, Any]
_DIRECTIVES = ("$patch", "$retainKeys")
_LISTS = ("$deleteFromPrimitiveList/", "$setElementOrder/")


class PatchError(Exception):
    """A patch that cannot be read (`is_malformed`) or does not fit the object."""

    def __init__(self, message: str, *, is_malformed: bool = False) -> None:
        super().__init__(message)
        self.is_malformed = is_malformed


def strategic_merge(schema: Schema, value: Any, patch: Any) -> Any:
    """Apply a strategic merge patch: lists with a merge key are merged by it.

    Knows `$patch: delete|replace|merge`, `$retainKeys`, `$deleteFromPrimitiveList/...` and
    `$setElementOrder/...`. Raises PatchError.
    """
    if not isinstance(patch, dict):
        return deepcopy(patch)
    _check_directives(patch)
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
                merged[field] = _order(_merge_key(_child(schema, field)), merged[field], order)
    return merged


def _check_directives(patch: Object) -> None:
    if patch.get("$patch") not in (None, "merge", "replace", "delete"):
        raise PatchError(f"Unknown patch type found: {patch['$patch']}")
    for name, value in patch.items():
        is_list = name == "$retainKeys" or name.startswith(_LISTS)
        if is_list and not isinstance(value, list):
            raise PatchError(f"{name} is no list")


def _merge_field(schema: Schema, merged: Object, name: str, change: Any) -> None:
    if name.startswith("$deleteFromPrimitiveList/"):
        field = name.partition("/")[2]
        live = merged.get(field)
        merged[field] = [item for item in live if item not in change] if live else []
    elif name in _DIRECTIVES or name.startswith("$setElementOrder/"):
        return
    elif change is None:
        merged.pop(name, None)
    elif isinstance(change, list):
        merged[name] = _merge_list(_child(schema, name), merged.get(name), change)
    else:
        below = strategic_merge(_child(schema, name), merged.get(name), change)
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
    if any(_says_replace(item) for item in patch):
        return [deepcopy(item) for item in patch if not _says_replace(item)]
    for change in patch:
        if not isinstance(change, dict) or key not in change:
            raise PatchError(f"map: {change} does not contain declared merge key: {key}")
        found = [i for i, item in enumerate(merged) if _name(item, key) == change[key]]
        if change.get("$patch") == "delete":
            merged = [item for i, item in enumerate(merged) if i not in found]
        elif found:
            merged[found[0]] = strategic_merge(schema["items"], merged[found[0]], change)
        else:
            merged.append(strategic_merge(schema["items"], {}, change))
    return merged


def _says_replace(item: Any) -> bool:
    return isinstance(item, dict) and item.get("$patch") == "replace"


def _order(key: str, items: list[Any], order: list[Any]) -> list[Any]:
    """Put listed items into the wanted order; others keep their place relative to those before."""
    wanted = [_name(item, key) for item in order]
    if not all(isinstance(name, (str, int, float)) for name in wanted):
        raise PatchError("the order names no items of the list")
    rank = {name: index for index, name in enumerate(wanted)}
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
    """What tells an item apart; None for what cannot be told."""
    value = (item.get(key) if isinstance(item, dict) else None) if key else item
    return value if isinstance(value, (str, int, float)) else None


def _merge_key(schema: Schema) -> str:
    return str(schema.get("x-kubernetes-patch-merge-key", ""))


def _child(schema: Schema, name: str) -> Schema:
    """The schema of a field; whatever is not declared takes any shape."""
    return child_schema(schema, name) or {}
