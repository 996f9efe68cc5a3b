"""Structured merge: compare, merge and cut JSON values along their schema.

A path is a tuple of elements written as in `fieldsV1`: `f:name` a field, `k:{"name":"x"}` an item
of a keyed list, `v:"x"` an item of a set. A field set is a set of paths.
Source: Kubernetes 1.34, sigs.k8s.io/structured-merge-diff v6, whose laws these functions keep.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Schema = dict[str, Any]
Path = tuple[str, ...]
Kind = Literal["map", "list", "scalar"]

# A value that is not there, as opposed to null.
ABSENT: Final[Any] = object()
_ANY: Schema = {}


@dataclass
class Comparison:
    """Paths that the new value added, modified and removed."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)


def compare(schema: Schema, old: Any, new: Any) -> Comparison:
    """Tell what changed between two values."""
    comparison = Comparison()
    _compare(schema, old, new, (), comparison)
    return comparison


def merge(schema: Schema, live: Any, applied: Any) -> Any:
    """Lay `applied` over `live`: its leaves win, nothing is removed, its list order is kept."""
    merged = _merge(schema, live, applied)
    return {} if merged is ABSENT else merged


def remove(schema: Schema, value: Any, paths: Iterable[Path]) -> Any:
    """Cut the items at `paths`; a container left empty becomes None."""
    return _remove(schema, value, set(paths))


def field_set(schema: Schema, value: Any) -> set[Path]:
    """List every leaf and list item that a value mentions."""
    paths: set[Path] = set()
    _collect(schema, value, (), paths)
    return paths


def with_parents(schema: Schema, paths: Iterable[Path]) -> set[Path]:
    """Add each field named in the schema that lies on the way to a path."""
    grown = set(paths)
    for path in list(grown):
        at: Schema = schema
        for depth, element in enumerate(path[:-1]):
            if element.startswith("f:"):
                name = element[2:]
                if name in at.get("properties", {}):
                    grown.add(path[: depth + 1])
                at = child_schema(at, name)
            else:
                at = at.get("items", _ANY)
    return grown


def is_same(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def child_schema(schema: Schema, name: str) -> Schema:
    """The schema of a field; whatever is not declared takes any shape."""
    known: Schema | None = schema.get("properties", {}).get(name)
    if known is not None:
        return known
    rest = schema.get("additionalProperties")
    return rest if isinstance(rest, dict) else _ANY


def kind_of(schema: Schema, value: Any) -> Kind:
    """What a value is taken for: by the schema, and where that allows anything, by itself."""
    declared = schema.get("type")
    if declared == "object":
        return "map"
    if declared == "array":
        return "list"
    if declared is not None:
        return "scalar"
    if isinstance(value, dict) or value is None or value is ABSENT:
        return "map"
    return "list" if isinstance(value, list) else "scalar"


def is_atomic(schema: Schema, kind: Kind) -> bool:
    """Whether a container has one owner. Lists are atomic unless told otherwise."""
    if kind == "list":
        return bool(schema.get("x-kubernetes-list-type", "atomic") == "atomic")
    return bool(schema.get("x-kubernetes-map-type") == "atomic")


def item_element(schema: Schema, item: Any) -> str:
    """Name an item of a set or keyed list. Raises ValueError where it cannot be told apart."""
    if schema.get("x-kubernetes-list-type") == "set":
        return f"v:{_compact(item)}"
    keys = schema["x-kubernetes-list-map-keys"]
    if not isinstance(item, dict):
        raise ValueError("associative list with keys may not have non-map elements")
    declared = schema.get("items", _ANY).get("properties", {})
    named = {}
    for key in sorted(keys):
        if key in item:
            named[key] = item[key]
        elif "default" in declared.get(key, _ANY):
            named[key] = declared[key]["default"]
    if not named:
        names = "[" + " ".join(json.dumps(key) for key in keys) + "]"
        raise ValueError(
            f"associative list with keys has an element that omits all key fields {names} "
            "(and doesn't have default values for any key fields)"
        )
    return f"k:{_compact(named)}"


def _kinds(schema: Schema, left: Any, right: Any) -> list[Kind]:
    """The shapes to walk: two where a value changes its shape under a free schema."""
    if right is ABSENT:
        return [kind_of(schema, left)]
    if left is ABSENT:
        return [kind_of(schema, right)]
    kinds = [kind_of(schema, left), kind_of(schema, right)]
    return kinds[1:] if kinds[0] == kinds[1] else kinds


def _compare(schema: Schema, left: Any, right: Any, path: Path, out: Comparison) -> None:
    is_leaf = False
    for kind in _kinds(schema, left, right):
        if kind == "map":
            is_leaf = _compare_maps(schema, left, right, path, out)
        elif kind == "list":
            is_leaf = _compare_lists(schema, left, right, path, out)
        else:
            _compare_leaf(left, right, path, out)
            is_leaf = True
    if not is_leaf:
        if left is ABSENT:
            out.added.add(path)
        elif right is ABSENT:
            out.removed.add(path)


def _compare_leaf(left: Any, right: Any, path: Path, out: Comparison) -> None:
    if left is ABSENT:
        out.added.add(path)
    elif right is ABSENT:
        out.removed.add(path)
    elif not is_same(left, right):
        out.modified.add(path)


def _compare_maps(schema: Schema, left: Any, right: Any, path: Path, out: Comparison) -> bool:
    """Returns whether both were taken as one leaf."""
    old, new = _as(dict, left), _as(dict, right)
    if is_atomic(schema, "map") or not (old or new):
        _compare_leaf(left, right, path, out)
        return True
    for name in old | new:
        child = child_schema(schema, name)
        element = f"f:{name}"
        _compare(child, old.get(name, ABSENT), new.get(name, ABSENT), (*path, element), out)
    return False


def _compare_lists(schema: Schema, left: Any, right: Any, path: Path, out: Comparison) -> bool:
    """Returns whether both were taken as one leaf."""
    old, new = _as(list, left), _as(list, right)
    if is_atomic(schema, "list") or not (old or new):
        _compare_leaf(left, right, path, out)
        return True
    items = schema.get("items", _ANY)
    before, after = _by_element(schema, old), _by_element(schema, new)
    for element in before | after:
        one, two = before.get(element, []), after.get(element, [])
        at = (*path, element)
        if len(one) <= 1 and len(two) <= 1:
            _compare(items, _only(one), _only(two), at, out)
        # Duplicates have no fields of their own: their item is one leaf.
        elif len(one) > 1 and len(two) > 1:
            if not is_same(one, two):
                out.modified.add(at)
        elif len(one) > 1:
            if two:
                _compare(items, ABSENT, two[0], at, out)
            out.removed.add(at)
        else:
            if one:
                _compare(items, one[0], ABSENT, at, out)
            out.added.add(at)
    return False


def _only(values: list[Any]) -> Any:
    return values[0] if values else ABSENT


def _by_element(schema: Schema, items: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        found[item_element(schema, item)].append(item)
    return dict(found)


def _merge(schema: Schema, left: Any, right: Any) -> Any:
    if left is ABSENT and right is ABSENT:
        return ABSENT
    kind = _kinds(schema, left, right)[-1]
    if kind == "scalar":
        return left if right is ABSENT else right
    shape: type = dict if kind == "map" else list
    old, new = _as(shape, left), _as(shape, right)
    if is_atomic(schema, kind) or not (old or new):
        return left if right is ABSENT else right
    if kind == "list":
        return list(_merge_items(schema, old, new))
    merged = {
        name: _merge(child_schema(schema, name), old.get(name, ABSENT), new.get(name, ABSENT))
        for name in [*old, *(name for name in new if name not in old)]
    }
    return {name: value for name, value in merged.items() if value is not ABSENT}


def _merge_items(schema: Schema, old: list[Any], new: list[Any]) -> Iterator[Any]:
    """Items in the applied order; those that only the live list has stay where they are."""
    items = schema.get("items", _ANY)
    before = [item_element(schema, item) for item in old]
    after = [item_element(schema, item) for item in new]
    lefts, rights = dict(zip(before, old, strict=True)), dict(zip(after, new, strict=True))
    shared = [element for element in after if element in lefts]
    merged: set[str] = set()
    left, right = 0, 0
    while left < len(before) or right < len(after):
        if left < len(before) and right < len(after):
            if before[left] == after[right]:
                element = before[left]
                merged.add(element)
                yield _merge(items, lefts[element], rights[element])
                left, right = left + 1, right + 1
                shared = shared[1:]
                continue
            if before[left] in rights and shared and shared[0] != before[left]:
                left += 1  # the applied list has it elsewhere
                continue
        if left < len(before):
            element = before[left]
            if element not in rights:
                yield _merge(items, old[left], ABSENT)
                left += 1
                continue
            if element in merged:
                left += 1
        if right < len(after):
            element = after[right]
            merged.add(element)
            yield _merge(items, lefts.get(element, ABSENT), rights[element])
            right += 1
            if shared and shared[0] == element:
                shared = shared[1:]


def _remove(schema: Schema, value: Any, paths: set[Path]) -> Any:
    kind = kind_of(schema, value)
    if kind == "scalar":
        return value
    is_shaped = isinstance(value, dict) if kind == "map" else isinstance(value, list)
    if not is_shaped or not value or is_atomic(schema, kind):
        return None
    under: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        under[path[0]].add(path[1:])
    if kind == "map":
        kept = {
            name: _keep(child_schema(schema, name), item, under.get(f"f:{name}"))
            for name, item in value.items()
            if () not in under.get(f"f:{name}", ())
        }
        return kept or None
    items: Schema = schema.get("items", _ANY)
    elements = [(item_element(schema, item), item) for item in value]
    left = [
        _keep(items, item, under.get(element))
        for element, item in elements
        if () not in under.get(element, ())
    ]
    return left or None


def _keep(schema: Schema, value: Any, paths: set[Path] | None) -> Any:
    return _remove(schema, value, paths) if paths else value


def _collect(schema: Schema, value: Any, path: Path, out: set[Path]) -> None:
    kind = kind_of(schema, value)
    if kind == "scalar" or is_atomic(schema, kind):
        out.add(path)
    elif kind == "map":
        declared = schema.get("properties", {})
        for name, item in _as(dict, value).items():
            at = (*path, f"f:{name}")
            _collect(child_schema(schema, name), item, at, out)
            if item is None or item == {} or name not in declared:
                out.add(at)
    else:
        items = schema.get("items", _ANY)
        for element, found in _by_element(schema, _as(list, value)).items():
            at = (*path, element)
            if len(found) == 1:
                _collect(items, found[0], at, out)
            out.add(at)


def _as(shape: type, value: Any) -> Any:
    return value if isinstance(value, shape) else shape()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
