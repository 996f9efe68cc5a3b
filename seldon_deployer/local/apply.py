"""Server-side apply and the tracking of field owners, as pure functions.

Source: Kubernetes 1.34, structured-merge-diff v6 `merge/update.go` and apimachinery
`managedfields/internal`, whose order of steps is kept: it shows in conflicts and in what remains.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from seldon_deployer.local.managers import (
    Managers,
    Owned,
    cap_updaters,
    manager_of,
    print_manager,
    print_path,
)
from seldon_deployer.local.merge import (
    Comparison,
    Path,
    Schema,
    compare,
    field_set,
    is_same,
    merge,
    remove,
    with_parents,
)

Object = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BEFORE_FIRST_APPLY = "before-first-apply"

# What every object has by itself is nobody's.
_STRIPPED: frozenset[Path] = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    }
)


@dataclass(frozen=True)
class Writer:
    """Who writes, through which version and subresource, and when (RFC 3339)."""

    name: str
    api_version: str
    time: str
    subresource: str = ""


class ApplyConflict(Exception):
    """Other managers own what is applied: `(manager as shown, path)` pairs."""

    def __init__(self, found: Iterable[tuple[str, Path]]) -> None:
        self.found = sorted(found)
        super().__init__(self.summary)

    @property
    def paths(self) -> set[Path]:
        """The fields in conflict."""
        return {path for _, path in self.found}

    @property
    def causes(self) -> list[Object]:
        """The conflicts as causes of a Status."""
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {manager}",
                "field": print_path(path),
            }
            for manager, path in self.found
        ]

    @property
    def summary(self) -> str:
        """The conflicts by manager, as Kubernetes lists them."""
        if len(self.found) == 1:
            manager, path = self.found[0]
            return f"conflict with {manager}: {print_path(path)}"
        lines = []
        for manager in sorted({manager for manager, _ in self.found}):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {print_path(path)}" for who, path in self.found if who == manager]
        return "\n".join(lines)


def track_update(
    schema: Schema,
    live: Object,
    new: Object,
    managers: Managers,
    writer: Writer,
    ignored: Iterable[str] = (),
) -> Managers:
    """Give `writer` the fields that its update changed, and take them from everyone else.

    `ignored` are top-level fields that this way of writing does not reach, such as `status`.
    """
    comparison = compare(schema, live, new)
    visible = _filter_comparison(comparison, ignored)
    kept = _settle(managers, visible, None)
    own = _filter(comparison.added | comparison.modified, ignored) - _STRIPPED
    if own:
        manager = manager_of(writer.name, "Update", writer.api_version, writer.subresource)
        before = kept[manager].fields if manager in kept else frozenset()
        kept[manager] = Owned(frozenset(own) | before, writer.api_version, writer.time)
    return cap_updaters(kept)


def apply(
    schema: Schema,
    live: Object,
    applied: Object,
    managers: Managers,
    writer: Writer,
    *,
    blank: Object,
    force: bool = False,
    ignored: Iterable[str] = (),
) -> tuple[Object, Managers]:
    """Merge what `writer` applies into `live`; what it gave up and nobody else owns goes.

    Returns the new object and the managers; the very `live` where nothing changed.
    Raises ApplyConflict, unless `force`.
    """
    if not managers:
        first = replace(writer, name=_BEFORE_FIRST_APPLY, subresource="")
        managers = track_update(schema, blank, live, managers, first)
    if writer.name != "kubectl":
        return _apply(schema, live, applied, managers, writer, force, ignored)
    try:
        new, after = _apply(schema, live, applied, managers, writer, force, ignored)
    except ApplyConflict as conflict:
        # What kubectl applied from the client side is kubectl's too.
        allowed = _last_applied_fields(schema, live, writer)
        rest = [pair for pair in conflict.found if pair[1] not in allowed]
        if rest:
            raise ApplyConflict(rest) from conflict
        new, after = _apply(schema, live, applied, managers, writer, True, ignored)
    return _refresh_last_applied(new, applied), after


def _apply(
    schema: Schema,
    live: Object,
    applied: Object,
    managers: Managers,
    writer: Writer,
    force: bool,
    ignored: Iterable[str],
) -> tuple[Object, Managers]:
    manager = manager_of(writer.name, "Apply", writer.api_version, writer.subresource)
    merged = merge(schema, live, applied)
    last = managers.get(manager)
    own = frozenset(_filter(field_set(schema, applied), ignored))
    claimed = dict(managers)
    claimed[manager] = Owned(own, writer.api_version, last.time if last else writer.time)
    new = _prune(schema, merged, claimed, last.fields) if last and last.fields else merged
    comparison = _filter_comparison(compare(schema, live, new), ignored)
    others = {key: owned for key, owned in claimed.items() if key != manager}
    settled = _settle(others, comparison, None if force else others)
    fields = own - _STRIPPED
    if fields:
        is_changed = not is_same(live, new)
        time = writer.time if is_changed or not last else last.time
        settled[manager] = Owned(fields, writer.api_version, time)
    return (live if is_same(live, new) else new), settled


def _prune(schema: Schema, merged: Object, managers: Managers, last: frozenset[Path]) -> Object:
    """Cut what was applied last time and is claimed by nobody now."""
    before = with_parents(schema, last)
    pruned = remove(schema, merged, before)
    everything = with_parents(schema, field_set(schema, merged))
    owned = with_parents(schema, set[Path]().union(*(o.fields for o in managers.values())))
    left = with_parents(schema, field_set(schema, pruned))
    pruned = remove(schema, merged, everything - (left | owned))
    left = with_parents(schema, field_set(schema, pruned))
    result: Object = remove(schema, merged, (everything - left) & before)
    return result


def _settle(managers: Managers, comparison: Comparison, guarded: Managers | None) -> Managers:
    """Take changed and removed fields from their owners; raises where `guarded` own them."""
    written = comparison.added | comparison.modified
    conflicts = [
        (print_manager(manager, owned), path)
        for manager, owned in (guarded or {}).items()
        for path in owned.fields & written
    ]
    if conflicts:
        raise ApplyConflict(conflicts)
    lost = written | comparison.removed
    settled = {m: replace(owned, fields=owned.fields - lost) for m, owned in managers.items()}
    return {manager: owned for manager, owned in settled.items() if owned.fields}


def _last_applied_fields(schema: Schema, live: Object, writer: Writer) -> set[Path]:
    """Fields that client-side apply wrote and that are still as it wrote them."""
    text = (live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = json.loads(text or "")
    except json.JSONDecodeError:
        return set()
    if not isinstance(applied, dict) or applied.get("apiVersion") != writer.api_version:
        return set()
    comparison = compare(schema, applied, live)
    changed = comparison.added | comparison.modified | comparison.removed
    return field_set(schema, applied) - changed


def _refresh_last_applied(obj: Object, applied: Object) -> Object:
    annotations = obj.get("metadata", {}).get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return obj
    metadata = dict(applied.get("metadata", {}))
    if "annotations" in metadata:
        rest = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
        metadata["annotations"] = rest
    text = json.dumps(applied | {"metadata": metadata}, separators=(",", ":"), sort_keys=True)
    fresh = obj["metadata"] | {"annotations": annotations | {LAST_APPLIED: text + "\n"}}
    return obj | {"metadata": fresh}


def _filter(paths: Iterable[Path], ignored: Iterable[str]) -> set[Path]:
    hidden = {f"f:{name}" for name in ignored}
    return {path for path in paths if not path or path[0] not in hidden}


def _filter_comparison(comparison: Comparison, ignored: Iterable[str]) -> Comparison:
    hidden = list(ignored)
    return Comparison(
        _filter(comparison.added, hidden),
        _filter(comparison.modified, hidden),
        _filter(comparison.removed, hidden),
    )
