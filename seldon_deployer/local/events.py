"""Events, counted where they repeat, and forgotten after an hour, as in Kubernetes."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from seldon_deployer.local.api import Api
from seldon_deployer.local.objects import EVENTS
from seldon_deployer.local.pod_status import timestamp
from seldon_deployer.local.status import ApiError

logger = logging.getLogger(__name__)

Object = dict[str, Any]

KEPT = timedelta(hours=1)


class EventRecorder:
    """Writes the events of one component."""

    def __init__(self, api: Api, component: str) -> None:
        self._api = api
        self._component = component
        self._known: dict[tuple[str, ...], Object] = {}

    def record(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Say something about an object; `kind` is Normal or Warning."""
        metadata = about["metadata"]
        namespace = metadata["namespace"]
        key = (metadata["uid"], kind, reason, message)
        now = timestamp(datetime.now(UTC))
        known = self._known.get(key)
        if known is not None:
            known = known | {"count": known["count"] + 1, "lastTimestamp": now}
            known["metadata"] = {"name": known["metadata"]["name"], "namespace": namespace}
            try:
                self._known[key] = self._api.update(
                    EVENTS, namespace, known["metadata"]["name"], known, manager=self._component
                )
            except ApiError as error:
                if error.status != 404:
                    raise
            except sqlite3.Error as error:
                logger.warning("event %s not written: %s", reason, error)
                return
            else:
                return
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{uuid4().hex[:16]}",
                "namespace": namespace,
            },
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": namespace,
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self._component, "host": "local"},
            "reportingComponent": self._component,
            "reportingInstance": "local",
        }
        try:
            self._known[key] = self._api.create(EVENTS, namespace, event, manager=self._component)
        except ApiError as error:
            # The namespace is going: nobody will read it.
            logger.debug("event %s not written: %s", reason, error)
        except sqlite3.Error as error:
            # A full disk, say. What the event tells of must be done all the same.
            logger.warning("event %s not written: %s", reason, error)

    def forget_old(self) -> None:
        """Delete events that nobody repeated for an hour."""
        oldest = timestamp(datetime.now(UTC) - KEPT)
        self._known = {
            key: event for key, event in self._known.items() if event["lastTimestamp"] >= oldest
        }
        events, _ = self._api.list(EVENTS)
        for event in events:
            if (event.get("lastTimestamp") or oldest) < oldest:
                metadata = event["metadata"]
                self._api.delete(EVENTS, metadata["namespace"], metadata["name"])
