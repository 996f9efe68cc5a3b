"""Who owns which fields of an object, read from its managedFields."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


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
    owners = []
    for entry in obj["metadata"].get("managedFields") or []:
        name = str(entry.get("manager") or "unknown")
        if name != manager and _owns(entry.get("fieldsV1") or {}, path):
            subresource = entry.get("subresource")
            owners.append(f"{name} (through {subresource})" if subresource else name)
    return owners


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
