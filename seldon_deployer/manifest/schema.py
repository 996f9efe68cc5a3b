"""Kubernetes structural schemas: what a CustomResourceDefinition says about an object.

The subset that the SeldonDeployment schema uses, with the API server's own wording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Object = dict[str, Any]

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
_GO_NUMBERS = {int: "int64", float: "float64"}
# Judged by the API server itself, whatever a resource's schema says.
_OBJECT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason to reject an object.

    `field` is a path such as `spec.predictors[0].name`; `message` is the rest of the line, such as
    `Required value` or `Invalid value: "x": Duplicate predictor name`.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def check_schema(schema: Object, obj: Object) -> list[Violation]:
    """Say where `obj` departs from `schema`; unknown fields are no departure.

    Nulls are: the API server drops them first where it accepts them at all (see `prune`).
    """
    return list(_check(schema, obj, ""))


def unknown_fields(schema: Object, obj: Object) -> list[str]:
    """List the paths of `obj` that `schema` does not know, sorted."""
    body = {name: value for name, value in obj.items() if name not in _OBJECT_FIELDS}
    return sorted(_unknown(schema, body, ""))


def prune(schema: Object, obj: Object) -> Object:
    """Copy `obj` without the fields that `schema` does not know, and without forbidden nulls.

    So the API server stores what it is sent by POST and PUT; an apply with a null it rejects.
    """
    pruned: Object = _prune(schema, obj)
    for name in _OBJECT_FIELDS & obj.keys():
        pruned[name] = obj[name]
    return pruned


def fill_defaults(schema: Object, obj: Object) -> Object:
    """Copy `obj` with the schema's defaults where a field is absent."""
    filled: Object = _fill(schema, obj)
    return filled


def child_schema(schema: Object, name: str) -> Object | None:
    """The schema of a field; {} where everything goes; None where the field is unknown."""
    known: Object | None = schema.get("properties", {}).get(name)
    if known is not None:
        return known
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        return rest
    if rest or schema.get("x-kubernetes-preserve-unknown-fields") or not schema:
        return {}
    return None


def _check(schema: Object, value: Any, path: str) -> Iterator[Violation]:
    if value is None and schema.get("nullable"):
        return
    if schema.get("format") == "date-time":
        yield from _check_date_time(value, path)
        return
    wanted = _wanted_type(schema)
    if wanted and not _is_type(value, wanted):
        yield from _wrong_type(path, value, wanted)
    elif isinstance(value, dict):
        yield from _check_object(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check(schema.get("items", {}), item, f"{path}[{index}]")
        yield from _check_keys(schema, value, path)
    else:
        yield from _check_scalar(schema, value, path)


def _check_object(schema: Object, value: Object, path: str) -> Iterator[Violation]:
    for name in schema.get("required", []):
        if name not in value:
            yield Violation(_join(path, name), "Required value")
    for name, item in value.items():
        child = child_schema(schema, name)
        if child is not None:
            yield from _check(child, item, _join(path, name))


def _check_keys(schema: Object, items: list[Any], path: str) -> Iterator[Violation]:
    """The first item of a keyed list that has no key, else those with another's.

    A null has the empty key. Observed on Kubernetes 1.34.
    """
    names = schema.get("x-kubernetes-list-map-keys", [])
    if not names:
        return
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            rule = "must be an object for an array of list-type map"
            yield Violation(f"{path}[{index}]", f"Invalid value: {_compact(item)}: {rule}")
            return
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        filled = fill_defaults(schema["items"], item) if isinstance(item, dict) else {}
        key = _compact({name: filled[name] for name in names if name in filled})
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:  # a third time is not told
            yield Violation(f"{path}[{index}]", f"Duplicate value: {key}")


def _check_scalar(schema: Object, value: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, str):
        return
    pattern = schema.get("pattern")
    if pattern and re.search(pattern, value) is None:
        yield _invalid(path, value, f"should match '{pattern}'")


def _wanted_type(schema: Object) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer,string"
    return str(schema.get("type", ""))


def _is_type(value: Any, wanted: str) -> bool:
    if isinstance(value, float) and value.is_integer() and "integer" in wanted:
        return True  # JSON has one kind of number: 1.0 is an integer to the API server
    name = type_name(value)
    return name in wanted.split(",") or (name == "integer" and wanted == "number")


def type_name(value: Any) -> str:
    """Name a JSON value's type as Kubernetes does: string, integer, object, null..."""
    if value is None:
        return "null"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "number"  # read as a float there
    return _NAMES.get(type(value), "object")


def _wrong_type(path: str, value: Any, wanted: str) -> Iterator[Violation]:
    name = _quote(type_name(value))
    kinds = [wanted]
    if wanted == "integer,string":
        # The API server tells of the alternatives too, in these words.
        yield Violation(
            "<nil>", f'Invalid value: "": "{path}" must validate at least one schema (anyOf)'
        )
        kinds.append("integer")
    for kind in kinds:
        yield Violation(
            path, f"Invalid value: {name}: {path} in body must be of type {kind}: {name}"
        )


def _invalid(path: str, value: str, rule: str) -> Violation:
    return Violation(path, f"Invalid value: {_quote(value)}: {path} in body {rule}")


def _check_date_time(value: Any, path: str) -> Iterator[Violation]:
    # The API server asks the format before the type, names Go's types, and lets arrays through.
    if isinstance(value, list) or (isinstance(value, str) and _is_date_time(value)):
        return
    shown = value if isinstance(value, str) else _GO_NUMBERS.get(type(value), "")
    yield _invalid(path, shown, f"must be of type date-time: {_quote(shown)}")


def _is_date_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _unknown(schema: Object, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            child = child_schema(schema, name)
            if child is None:
                yield _join(path, name)
            else:
                yield from _unknown(child, item, _join(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(schema.get("items", {}), item, f"{path}[{index}]")


def _prune(schema: Object, value: Any) -> Any:
    if isinstance(value, dict):
        known = ((name, item, child_schema(schema, name)) for name, item in value.items())
        return {
            name: _prune(child, item)
            for name, item, child in known
            if child is not None and (item is not None or not child or child.get("nullable"))
        }
    if isinstance(value, list):
        return [_prune(schema.get("items", {}), item) for item in value]
    return value


def _fill(schema: Object, value: Any) -> Any:
    if isinstance(value, dict):
        filled = {
            name: _fill(child_schema(schema, name) or {}, item) for name, item in value.items()
        }
        for name, child in schema.get("properties", {}).items():
            if "default" in child and name not in filled:
                filled[name] = child["default"]
        return filled
    if isinstance(value, list):
        return [_fill(schema.get("items", {}), item) for item in value]
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _compact(value: Any) -> str:
    return json.dumps(_whole_numbers(value), sort_keys=True, separators=(",", ":"))


def _whole_numbers(value: Any) -> Any:
    """Write 2.0 as 2, as the API server does: JSON has one kind of number."""
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
