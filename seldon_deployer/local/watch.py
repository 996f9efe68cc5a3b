"""Watches: the change log of the store, followed from a version on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from seldon_deployer.local.objects import Resource
from seldon_deployer.local.selectors import Predicate
from seldon_deployer.local.status import bad_request, expired
from seldon_deployer.local.store import Change, Store

Object = dict[str, Any]


async def watch_changes(
    store: Store,
    resource: Resource,
    namespace: str | None,
    resource_version: str,
    selects: Predicate,
) -> AsyncGenerator[tuple[str, Object], None]:
    """Yield `(type, object)` for what `selects`, without end; see `Api.watch`.

    An object that starts or stops being selected is ADDED or DELETED, as in Kubernetes.
    """
    awake = asyncio.Event()
    # Subscribed before the first read: what is written in between is in the log, or wakes us.
    unsubscribe = store.subscribe(lambda name: awake.set() if name == resource.qualified else None)
    try:
        if resource_version in ("", "0"):
            since = store.version
            for obj in store.select(resource.qualified, namespace):
                if selects(obj):
                    yield "ADDED", obj
        else:
            since = _parse_version(resource_version)
        while True:
            awake.clear()
            if since < store.oldest:
                raise expired(since, store.oldest)
            changes = store.changes(resource.qualified, since)
            for change in changes:
                since = change.version
                event = _seen(change, namespace, selects)
                if event is not None:
                    yield event
            if not changes:
                await awake.wait()
    finally:
        unsubscribe()


def _parse_version(text: str) -> int:
    if not text.isdecimal():
        raise bad_request(f'Invalid value: "{text}": strconv.ParseUint: invalid syntax')
    return int(text)


def _seen(change: Change, namespace: str | None, selects: Predicate) -> tuple[str, Object] | None:
    obj = change.object
    if namespace is not None and obj["metadata"].get("namespace", "") != namespace:
        return None
    was_selected = change.previous is not None and selects(change.previous)
    if change.type == "DELETED":
        return ("DELETED", obj) if was_selected else None
    if selects(obj):
        return ("MODIFIED" if was_selected else "ADDED"), obj
    return ("DELETED", obj) if was_selected else None
