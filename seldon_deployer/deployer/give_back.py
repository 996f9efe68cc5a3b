"""Fields go back to the owners that they had before a deploy that was undone."""

from __future__ import annotations

import logging

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.errors import Conflict, SeldonDeployerError
from seldon_deployer.naming import FIELD_MANAGER

log = logging.getLogger(__name__)

# Each is lost to one write of somebody else's; the operator makes two or three of an apply.
_TRIES = 10

_Key = tuple[str, str, str, str]
_OURS = (FIELD_MANAGER, "Apply")


def give_back(
    cluster: Cluster, previous: Object, applied: Object, found: Object, restored: Object
) -> None:
    """Name the owners again that there were, now that all is as it was.

    Else the next apply of those from whom the failed deploy took fields, or who share some with us
    since, would meet a conflict over a deploy that was undone. Who wrote meanwhile keeps what is
    theirs by that. The states are those before the deploy, after it, before it was undone, after.
    """
    name, live = restored["metadata"]["name"], restored
    meanwhile = _written(applied, found)
    try:
        for _ in range(_TRIES):
            since = _written(restored, live)
            owners = _owners_again(previous, live, meanwhile | since)
            if _OURS in {key[:2] for key in since} or owners == _entries(live):
                return
            given = {
                "managedFields": list(owners.values()),
                "resourceVersion": live["metadata"]["resourceVersion"],
            }
            try:
                cluster.patch(SELDON_DEPLOYMENTS, name, {"metadata": given})
            except Conflict:
                # Not over a field: the operator writes the status as soon as it sees the change.
                now = cluster.get(SELDON_DEPLOYMENTS, name)
                if now is None or now["metadata"]["uid"] != live["metadata"]["uid"]:
                    return
                live = now
            else:
                return
    except SeldonDeployerError as error:
        log.warning("fields that were taken are not given back to their owners: %s", error)
    else:
        log.warning("fields that were taken are not given back: %s changes all the time", name)


def _owners_again(previous: Object, live: Object, written: set[_Key]) -> dict[_Key, Object]:
    before, now = _entries(previous), _entries(live)
    owners = {}
    for key in before | now:
        # The status is nobody's to ask for.
        is_theirs = key[2] == "status" or (key in written and key[:2] != _OURS)
        if (kept := (now if is_theirs else before).get(key)) is not None:
            owners[key] = now[key] if _fields(now.get(key)) == _fields(kept) else kept
    return owners


def _written(before: Object, after: Object) -> set[_Key]:
    """Those whose fields are others than before."""
    old, new = _entries(before), _entries(after)
    return {key for key in old | new if _fields(old.get(key)) != _fields(new.get(key))}


def _fields(entry: Object | None) -> Object:
    return {} if entry is None else entry.get("fieldsV1") or {}


def _entries(obj: Object) -> dict[_Key, Object]:
    return {
        (
            str(entry.get("manager")),
            str(entry.get("operation")),
            str(entry.get("subresource") or ""),
            str(entry.get("apiVersion")),
        ): entry
        for entry in obj["metadata"].get("managedFields") or []
    }
