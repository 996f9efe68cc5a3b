"""The meta of answers: what the requests brought, then what the object says."""

from __future__ import annotations

from collections.abc import Sequence

from seldon_deployer.payload import Message
from seldon_deployer.server.component import Component
from seldon_deployer.server.settings import Settings


def read_meta(request: Message) -> Message:
    """The meta of a request; empty where it has none."""
    return _mapping(request, "meta")


def answer_meta(component: Component, settings: Settings, given: Sequence[Message]) -> Message:
    """Join the metas of requests in their order, the object's own last; later tags win.

    The puid is the first request's. In requestPath what requests say of a unit wins.
    Source: Seldon Core v1.17.1, Python wrapper, observed.
    """
    meta: Message = {}
    if given[0].get("puid"):
        meta["puid"] = given[0]["puid"]
    tags: Message = {}
    path = {settings.unit: settings.image or ""} if settings.unit else {}
    metrics = []
    for each in given:
        tags |= _mapping(each, "tags")
        path |= _mapping(each, "requestPath")
        earlier = each.get("metrics")
        metrics += earlier if isinstance(earlier, list) else []
    if tags := tags | component.tags():
        meta["tags"] = tags
    if metrics := metrics + component.metrics():
        meta["metrics"] = metrics
    if path:
        meta["requestPath"] = path
    return meta


def _mapping(given: Message, key: str) -> Message:
    value = given.get(key)
    return value if isinstance(value, dict) else {}
