"""Who owns which field: `metadata.managedFields`, read and written.

Source: Kubernetes 1.34, apimachinery, managedfields/internal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from seldon_deployer.local.merge import Path

Object = dict[str, Any]
Operation = Literal["Apply", "Update"]

# More updaters than this are folded into one that is nobody.
MAX_UPDATERS = 10
_ANCIENT = "ancient-changes"


class Manager(NamedTuple):
    """Who wrote, and how. Appliers are one over all versions: their `api_version` is ''."""

    name: str
    operation: Operation
    api_version: str
    subresource: str = ""


@dataclass(frozen=True)
class Owned:
    """What a manager owns, at the version it spoke, since when (RFC 3339; '' unknown)."""

    fields: frozenset[Path]
    api_version: str
    time: str = ""


Managers = dict[Manager, Owned]


def manager_of(name: str, operation: Operation, api_version: str, subresource: str = "") -> Manager:
    """Identify a writer."""
    at = "" if operation == "Apply" else api_version
    return Manager(name or "unknown", operation, at, subresource)


def decode_managers(entries: Iterable[Object]) -> Managers:
    """Read `managedFields`. Raises ValueError where an entry makes no sense."""
    managers: Managers = {}
    for index, entry in enumerate(entries):
        if entry.get("operation") not in ("Apply", "Update"):
            raise ValueError("operation must be `Apply` or `Update`")
        if not entry.get("apiVersion"):
            raise ValueError("apiVersion must not be empty")
        if entry.get("fieldsType") != "FieldsV1":
            raise ValueError(f"missing fieldsType in managed fields entry {index}")
        manager = manager_of(
            entry.get("manager", ""),
            entry["operation"],
            entry["apiVersion"],
            entry.get("subresource", ""),
        )
        fields = frozenset(_decode(entry.get("fieldsV1") or {}, ()))
        managers[manager] = Owned(fields, entry["apiVersion"], entry.get("time") or "")
    return managers


def read_managers(obj: Object) -> Managers:
    """The managers of a stored object; none where they cannot be read."""
    try:
        return decode_managers(obj["metadata"].get("managedFields") or [])
    except (ValueError, AttributeError):
        return {}


def encode_managers(managers: Managers) -> list[Object]:
    """Write `managedFields`: appliers first, then by time and name."""
    order = sorted(
        managers.items(),
        key=lambda pair: (
            pair[0].operation,
            pair[1].time,
            pair[0].name,
            pair[1].api_version,
            pair[0].subresource,
        ),
    )
    return [_encode_entry(manager, owned) for manager, owned in order]


def cap_updaters(managers: Managers) -> Managers:
    """Fold the oldest updaters into one entry a version once there are too many."""
    updaters = sorted(
        (manager for manager in managers if manager.operation == "Update"),
        key=lambda manager: (managers[manager].time, manager),
    )
    excess = len(updaters) - MAX_UPDATERS
    capped = dict(managers)
    first: dict[str, Manager] = {}
    for manager in updaters:
        if excess <= 0:
            break
        owned = capped[manager]
        version = owned.api_version
        if version not in first:
            first[version] = manager
            continue
        bucket = Manager(_ANCIENT, "Update", version)
        if bucket not in capped:
            capped[bucket] = capped.pop(first[version])
        del capped[manager]
        fields = capped[bucket].fields | owned.fields
        capped[bucket] = Owned(fields, version, owned.time)
        excess -= 1
    return capped


def print_path(path: Path) -> str:
    """Write a path as messages show it: `.spec.ports[port=80,protocol="TCP"].name`."""
    return "".join(_print_element(element) for element in path)


def print_manager(manager: Manager, owned: Owned) -> str:
    """Write a manager as conflict messages show it."""
    text = json.dumps(manager.name, ensure_ascii=False)
    if manager.subresource:
        text += f" with subresource {json.dumps(manager.subresource)}"
    if manager.operation == "Update":
        text += f" using {owned.api_version}"
    return text


def _print_element(element: str) -> str:
    sort, _, rest = element.partition(":")
    if sort == "f":
        return f".{rest}"
    if sort == "k":
        named = json.loads(rest)
        pairs = (f"{key}={json.dumps(value)}" for key, value in sorted(named.items()))
        return f"[{','.join(pairs)}]"
    return f"[={rest}]" if sort == "v" else f"[{rest}]"


def _encode_entry(manager: Manager, owned: Owned) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
    }
    if owned.time:
        entry["time"] = owned.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": _encode(owned.fields)}
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def _encode(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    members = set(paths)
    for path in sorted(members):
        node = tree
        for depth, element in enumerate(path):
            if element not in node:
                node[element] = {}
            node = node[element]
            # A member that also has children says so with a dot.
            if depth + 1 < len(path) and path[: depth + 1] in members:
                node["."] = {}
    return tree


def _decode(tree: Object, path: Path) -> Iterable[Path]:
    for element, below in tree.items():
        if element == ".":
            yield path
            continue
        if element.partition(":")[0] not in ("f", "k", "v", "i"):
            continue
        at = (*path, element)
        if below:
            yield from _decode(below, at)
        else:
            yield at
