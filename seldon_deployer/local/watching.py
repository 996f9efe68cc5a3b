"""A watch over HTTP: events as lines of JSON, with bookmarks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from seldon_deployer.local.api import Api, utc_now
from seldon_deployer.local.negotiation import Accepted, is_true
from seldon_deployer.local.objects import Resource
from seldon_deployer.local.status import ApiError, bad_request
from seldon_deployer.local.streams import BOOKMARK_SECONDS
from seldon_deployer.local.tables import to_partial, to_table
from seldon_deployer.local.targets import Target

Object = dict[str, Any]

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watching:
    """One watch request. Raises ApiError where its parameters make no sense."""

    def __init__(
        self,
        api: Api,
        target: Target,
        query: Mapping[str, str],
        wants: Accepted,
        selectors: Mapping[str, str],
    ) -> None:
        self._api = api
        self._target = target
        self._query = query
        self._wants = wants
        self._selectors = selectors
        seconds, version = query.get("timeoutSeconds", ""), query.get("resourceVersion", "")
        if seconds and not seconds.isdecimal():
            raise bad_request(f'strconv.ParseInt: parsing "{seconds}": invalid syntax')
        if version and not version.isdecimal():
            message = (
                f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid '
            )
            raise ApiError(500, "", f"resourceVersion: {message}syntax")
        self._timeout_seconds = int(seconds or 0)

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield the events as they come, until the time is up or the log is lost."""
        query = self._query
        version = query.get("resourceVersion", "")
        has_bookmarks = is_true(query, "allowWatchBookmarks")
        wants_start = is_true(query, "sendInitialEvents")
        if query.get("sendInitialEvents") == "false" and version in ("", "0"):
            version = self._api.resource_version
        start = self._api.resource_version
        events = self._api.watch(
            self._target.resource,
            self._target.namespace,
            resource_version="" if wants_start else version,
            label_selector=self._selectors["label_selector"],
            field_selector=self._selectors["field_selector"],
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + (self._timeout_seconds or float("inf"))
        following = asyncio.ensure_future(anext(events))
        is_first = True
        try:
            while loop.time() < end:
                quiet = 0.0 if wants_start else min(BOOKMARK_SECONDS, end - loop.time())
                done, _ = await asyncio.wait([following], timeout=quiet)
                if done:
                    kind, obj = following.result()
                    yield self._event(kind, obj, is_first)
                    is_first = False
                    following = asyncio.ensure_future(anext(events))
                    # Lets what is already there come before a bookmark does.
                    await asyncio.sleep(0)
                elif has_bookmarks:
                    at = start if wants_start else self._api.resource_version
                    yield _bookmark(self._target.resource, at, is_start=wants_start)
                    wants_start = False
                else:
                    wants_start = False
        except ApiError as error:
            yield _line({"type": "ERROR", "object": error.to_object()})
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await events.aclose()

    def _event(self, kind: str, obj: Object, is_first: bool) -> bytes:
        if self._wants.shape == "table":
            include = self._query.get("includeObject", "")
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            obj = to_table(self._target.resource, [obj], metadata, utc_now(), include)
            if not is_first:
                obj["columnDefinitions"] = None
        elif self._wants.shape == "partial":
            obj = to_partial(obj)
        return _line({"type": kind, "object": obj})


def _bookmark(resource: Resource, version: str, *, is_start: bool) -> bytes:
    metadata: Object = {"resourceVersion": version, "creationTimestamp": None}
    if is_start:
        metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
    obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line({"type": "BOOKMARK", "object": obj})


def _line(event: Object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
