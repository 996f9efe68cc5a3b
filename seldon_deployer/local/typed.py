"""What an applied object must be before it is merged: every field known and of its type.

Source: Kubernetes 1.34, structured-merge-diff v6 `typed/validate.go`; the wording is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.local.managers import print_path
from seldon_deployer.local.merge import child_schema, item_element, kind_of
from seldon_deployer.local.objects import Resource
from seldon_deployer.local.status import ApiError

Object = dict[str, Any]
Schema = dict[str, Any]


def check_types(resource: Resource, applied: Object) -> None:
    """Raises ApiError 500, as the API server does: for apply such an object is not one at all."""
    problems = [f"{path}: {message}" for path, message in _check(resource.schema, applied, "")]
    if not problems:
        return
    listed = (
        problems[0] if len(problems) == 1 else "\n".join(["errors:", *map("  {}".format, problems)])
    )
    metadata = applied["metadata"]
    group_version = (
        f"{resource.group}/{resource.version}" if resource.group else f"/{resource.version}"
    )
    raise ApiError(
        500,
        "",
        f"failed to create typed patch object ({metadata.get('namespace', '')}/"
        f"{metadata.get('name', '')}; {group_version}, Kind={resource.kind}): {listed}",
    )


def _check(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    kind = kind_of(schema, value)
    if value is None:
        return
    if kind == "map":
        yield from _check_map(schema, value, path)
    elif kind == "list":
        yield from _check_list(schema, value, path)
    else:
        message = _scalar_problem(schema, value)
        if message:
            yield path, message


def _check_map(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got &{{{value}}}"
        return
    declared = schema.get("properties", {})
    is_open = (
        not declared
        or schema.get("additionalProperties")
        or schema.get("x-kubernetes-preserve-unknown-fields")
    )
    for name, item in value.items():
        at = f"{path}.{name}"
        if name in declared or is_open:
            yield from _check(child_schema(schema, name), item, at)
        else:
            yield at, "field not declared in schema"
            return


def _check_list(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield path, f"expected list, got &{{{value}}}"
        return
    is_associative = schema.get("x-kubernetes-list-type", "atomic") != "atomic"
    seen = set()
    for index, item in enumerate(value):
        shown = f"[{index}]"
        if is_associative:
            try:
                element = item_element(schema, item)
            except ValueError as error:
                yield path, f"element {index}: {error}"
                return
            shown = print_path((element,))
            if element in seen:
                yield path, f"duplicate entries for key {shown}"
            seen.add(element)
        yield from _check(schema.get("items", {}), item, path + shown)


def _scalar_problem(schema: Schema, value: Any) -> str:
    wanted = schema.get("type")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted in ("integer", "number") and not is_number:
        return f"expected numeric (int or float), got {_go_type(value)}"
    if wanted == "string" and not schema.get("format") and not isinstance(value, str):
        return f"expected string, got &value.valueUnstructured{{Value:{_go_value(value)}}}"
    if wanted == "boolean" and not isinstance(value, bool):
        return f"expected boolean, got &{{{value}}}"
    return ""


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), type(value).__name__)


def _go_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
