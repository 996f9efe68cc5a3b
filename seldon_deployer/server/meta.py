"""The meta of answers: what the requests brought, then what the object says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seldon_deployer.payload import Message
from seldon_deployer.server.component import Component
from seldon_deployer.server.settings import Settings


def read_meta(request: Message) -> Message:
    """The meta of a request; empty where it has none."""
    return _mapping(request, "meta")


@dataclass(frozen=True, slots=True)
class JsonValue:
    """Data that is jsonData whatever it is: of a class's own answers only a dict is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Told:
    """What a method returned: the value, and what it says of this answer alone."""

    data: Any
    tags: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Any] = ()

    @classmethod
    def of(cls, value: Any) -> Told:
        """Take apart what has `data`, `tags` and `metrics`, as Seldon's SeldonResponse has them.

        It is known by these, for Seldon's package need not be here.
        """
        if isinstance(value, cls):
            return value
        if not all(hasattr(value, name) for name in ("data", "tags", "metrics")):
            return cls(value)
        return cls(value.data, dict(value.tags or {}), list(value.metrics or []))


def answer_meta(
    component: Component, settings: Settings, given: Sequence[Message], told: Told
) -> Message:
    """Join the metas of requests in their order, the object's own last, then this answer's.

    Of tags the later ones win.

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
    if tags := tags | component.tags() | dict(told.tags):
        meta["tags"] = tags
    own = component.metrics(told.metrics)
    if metrics := metrics + (own if settings.shows_metrics else []):
        meta["metrics"] = metrics
    if path:
        meta["requestPath"] = path
    return meta


def _mapping(given: Message, key: str) -> Message:
    value = given.get(key)
    return value if isinstance(value, dict) else {}
