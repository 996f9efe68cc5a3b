"""Who owns which fields of an object, read from its managedFields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Object = dict[str, Any]


class Held(NamedTuple):
    """A field, as the API server writes it (`.spec.predictors`), and a manager that owns it."""

    field: str
    manager: str


def owned_fields(obj: Object, manager: str) -> Object:
    """The part of `obj` that `manager` applied, ready to be applied again.

    Holds apiVersion, kind, name and namespace besides. Lists are taken whole: those of a
    SeldonDeployment have one owner each.
    """
    metadata = obj["metadata"]
    part: Object = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": {
            key: metadata[key] for key in ("name", "namespace") if metadata.get(key) is not None
        },
    }
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            _copy(obj, entry.get("fieldsV1") or {}, part)
    return part


def other_owners(obj: Object, path: tuple[str, ...], manager: str) -> list[str]:
    """The managers besides `manager` that own the field at `path`, such as (spec, replicas)."""
    return [
        _name(entry)
        for entry in obj["metadata"].get("managedFields") or []
        if entry.get("manager") != manager and _owns(entry.get("fieldsV1") or {}, path)
    ]


def held_fields(obj: Object, manager: str) -> set[Held]:
    """The fields that managers besides `manager` own, in what is asked for: not in the status."""
    return {
        Held(field, _name(entry))
        for entry in obj["metadata"].get("managedFields") or []
        if entry.get("manager") != manager
        for field in _leaves(entry.get("fieldsV1") or {})
        if not field.startswith(".status")
    }


def shared_fields(obj: Object, manager: str) -> set[Held]:
    """Those of `held_fields` that `manager` owns too: they have one value, so nobody objected."""
    mine = {
        field
        for entry in obj["metadata"].get("managedFields") or []
        if entry.get("manager") == manager
        for field in _leaves(entry.get("fieldsV1") or {})
    }
    return {each for each in held_fields(obj, manager) if each.field in mine}


def describe_held(held: Iterable[Held]) -> str:
    """Fields by manager, in words: `.spec.predictors, .spec.replicas of argocd-controller`."""
    by_manager: dict[str, list[str]] = {}
    for each in sorted(held, key=lambda each: (each.manager, each.field)):
        by_manager.setdefault(each.manager, []).append(each.field)
    return "; ".join(f"{', '.join(fields)} of {name}" for name, fields in by_manager.items())


def _leaves(fields: Object, path: str = "") -> Iterator[str]:
    """The paths of the fields that are owned whole; items of lists stand for their lists."""
    below = {key[2:]: inside for key, inside in fields.items() if key.startswith("f:")}
    if not below and path:
        yield path
    for key, inside in below.items():
        yield from _leaves(inside, f"{path}.{key}")


def _name(entry: Object) -> str:
    name, subresource = str(entry.get("manager") or "unknown"), entry.get("subresource")
    return f"{name} (through {subresource})" if subresource else name


def _owns(fields: Object, path: tuple[str, ...]) -> bool:
    for key in path:
        if f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True


def _copy(source: Object, fields: Object, target: Object) -> None:
    for key, below in fields.items():
        if not key.startswith("f:") or key[2:] not in source:
            continue
        name = key[2:]
        value = source[name]
        deeper = {each for each in below if each.startswith("f:")}
        if isinstance(value, dict) and deeper:
            _copy(value, below, target.setdefault(name, {}))
        else:
            target[name] = value
