"""One request on one resource: from its URL to a verb of the Api, and back to an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from seldon_deployer.local import logs
from seldon_deployer.local.api import Api, utc_now
from seldon_deployer.local.negotiation import (
    Accepted,
    accepted,
    patch_type_of,
    read_body,
    read_dry_run,
    read_validation,
)
from seldon_deployer.local.objects import NAMESPACES, PODS, Resource, find_resource
from seldon_deployer.local.paging import Page, page_of
from seldon_deployer.local.prepare import FieldValidation
from seldon_deployer.local.status import ApiError, bad_request
from seldon_deployer.local.streams import BOOKMARK_SECONDS, Stream
from seldon_deployer.local.tables import to_partial, to_table

Object = dict[str, Any]
LogPath = Callable[[str, str, str, bool], Path | None]

_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True)
class Target:
    """What a URL points at: a collection, one object, or its subresource."""

    resource: Resource
    namespace: str | None
    name: str
    subresource: str


def find_target(group: str, version: str, path: str) -> Target | None:
    """Read the part of a URL after the group version; None where nothing is served."""
    parts = [part for part in path.split("/") if part]
    namespace = None
    if len(parts) > 2 and parts[0] == "namespaces" and (group or parts[2] != "status"):
        namespace, parts = parts[1], parts[2:]
    if not parts or len(parts) > 3:
        return None
    plural, name, subresource = [*parts, "", ""][:3]
    resource = find_resource(group, version, plural)
    if resource is None or (namespace is not None and not resource.is_namespaced):
        return None
    if subresource and subresource not in resource.subresources:
        return None
    if name and resource.is_namespaced and namespace is None:
        return None
    return Target(resource, namespace, name, subresource)


class Handler:
    """Answers the requests on resources."""

    def __init__(self, api: Api, log_path: LogPath, stopping: asyncio.Event) -> None:
        self._api = api
        self._log_path = log_path
        self._stopping = stopping

    async def handle(self, target: Target, request: Request) -> Response:
        """Answer one request. Raises ApiError."""
        if target.subresource == "log":
            return await self._read_log(target, request)
        wants = accepted(request.headers.get("accept", ""))
        verb = _VERBS.get((request.method, bool(target.name)))
        if verb is None or (request.method == "DELETE" and target.subresource):
            raise ApiError(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            )
        answer: Response = await getattr(self, verb)(target, request, wants)
        return answer

    async def _get(self, target: Target, request: Request, wants: Accepted) -> Response:
        resource, namespace, name = target.resource, target.namespace, target.name
        if _is_true(request.query_params, "watch"):
            return await self._list(target, request, wants)
        if target.subresource == "scale":
            return _answer(self._api.get_scale(resource, namespace, name))
        obj = self._api.get(resource, namespace, name)
        return self._shown(resource, obj, request, wants)

    async def _list(self, target: Target, request: Request, wants: Accepted) -> Response:
        query = request.query_params
        fields = query.get("fieldSelector", "")
        if target.name:
            fields = ",".join(filter(None, [fields, f"metadata.name={target.name}"]))
        selectors = {"label_selector": query.get("labelSelector", ""), "field_selector": fields}
        if _is_true(query, "watch"):
            return self._watch(target, request, wants, selectors)
        objects, version = self._api.list(target.resource, target.namespace, **selectors)
        page = page_of(objects, version, query.get("limit", ""), query.get("continue", ""))
        return _answer(self._listed(target.resource, page, request, wants))

    async def _create(self, target: Target, request: Request, wants: Accepted) -> Response:
        validation = read_validation(request.query_params)
        obj = self._api.create(
            target.resource,
            target.namespace,
            await _body(request, validation),
            manager=_manager(request),
            dry_run=read_dry_run(request.query_params),
            validation=validation,
        )
        return self._shown(target.resource, obj, request, wants, 201, validation.warnings)

    async def _update(self, target: Target, request: Request, wants: Accepted) -> Response:
        validation = read_validation(request.query_params)
        obj = self._api.update(
            target.resource,
            target.namespace,
            target.name,
            await _body(request, validation),
            manager=_manager(request),
            subresource=target.subresource or None,
            dry_run=read_dry_run(request.query_params),
            validation=validation,
        )
        return self._shown(target.resource, obj, request, wants, 200, validation.warnings)

    async def _patch(self, target: Target, request: Request, wants: Accepted) -> Response:
        query = request.query_params
        content_type = request.headers.get("content-type", "")
        patch_type = patch_type_of(content_type, is_custom=target.resource.is_custom)
        validation = read_validation(query)
        is_apply = patch_type == "apply"
        if "force" in query and not is_apply:
            raise ApiError(
                422,
                "Invalid",
                'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified '
                "for non-apply patch",
            )
        obj, was_created = self._api.patch(
            target.resource,
            target.namespace,
            target.name,
            await _body(request, validation),
            patch_type=patch_type,
            manager=query.get("fieldManager", "") if is_apply else _manager(request),
            subresource=target.subresource or None,
            force=_is_true(query, "force"),
            dry_run=read_dry_run(query),
            validation=validation,
        )
        status = 201 if was_created else 200
        return self._shown(target.resource, obj, request, wants, status, validation.warnings)

    async def _delete(self, target: Target, request: Request, wants: Accepted) -> Response:
        options = await _delete_options(request)
        resource = target.resource
        obj = self._api.delete(resource, target.namespace, target.name, **options)
        is_waiting = "deletionTimestamp" in obj["metadata"]
        if is_waiting or resource in (PODS, NAMESPACES):
            return self._shown(resource, obj, request, wants)
        details = {"name": target.name, "group": resource.group, "kind": resource.plural}
        return _answer(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {k: v for k, v in details.items() if v}
                | {"uid": obj["metadata"]["uid"]},
            }
        )

    async def _delete_all(self, target: Target, request: Request, wants: Accepted) -> Response:
        query = request.query_params
        options = await _delete_options(request)
        objects, version = self._api.list(
            target.resource,
            target.namespace,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
        )
        for obj in objects:
            metadata = obj["metadata"]
            namespace = metadata.get("namespace")
            self._api.delete(target.resource, namespace, metadata["name"], **options)
        page = page_of(objects, version, "", "")
        return _answer(self._listed(target.resource, page, request, wants))

    def _shown(
        self,
        resource: Resource,
        obj: Object,
        request: Request,
        wants: Accepted,
        status: int = 200,
        warnings: list[str] | None = None,
    ) -> Response:
        if wants.shape == "table":
            include = request.query_params.get("includeObject", "")
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            obj = to_table(resource, [obj], metadata, utc_now(), include)
        elif wants.shape == "partial":
            obj = to_partial(obj)
        return _answer(obj, status, warnings or [])

    def _listed(self, resource: Resource, page: Page, request: Request, wants: Accepted) -> Object:
        if wants.shape == "table":
            include = request.query_params.get("includeObject", "")
            return to_table(resource, page.objects, page.metadata, utc_now(), include)
        if wants.shape == "partial":
            kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
            items = [to_partial(obj) for obj in page.objects]
        else:
            kind, version, items = f"{resource.kind}List", resource.api_version, page.objects
        if not resource.is_custom and wants.shape == "plain":
            # Items of a built-in list say their kind once, at the list.
            items = [_without_kind(obj) for obj in items]
        return {"kind": kind, "apiVersion": version, "metadata": page.metadata, "items": items}

    def _watch(
        self, target: Target, request: Request, wants: Accepted, selectors: Mapping[str, str]
    ) -> Response:
        query = request.query_params
        seconds = query.get("timeoutSeconds", "")
        if seconds and not seconds.isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{seconds}": invalid syntax')
        lines = self._watch_lines(target, request, wants, selectors, int(seconds or 0))
        return Stream(lines, self._stopping, "application/json")

    async def _watch_lines(
        self,
        target: Target,
        request: Request,
        wants: Accepted,
        selectors: Mapping[str, str],
        timeout_seconds: int,
    ) -> AsyncGenerator[bytes, None]:
        query = request.query_params
        version = query.get("resourceVersion", "")
        has_bookmarks = _is_true(query, "allowWatchBookmarks")
        wants_start = _is_true(query, "sendInitialEvents")
        if query.get("sendInitialEvents") == "false" and version in ("", "0"):
            version = self._api.resource_version
        start = self._api.resource_version
        events = self._api.watch(
            target.resource,
            target.namespace,
            resource_version="" if wants_start else version,
            label_selector=selectors["label_selector"],
            field_selector=selectors["field_selector"],
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_seconds if timeout_seconds else float("inf")
        following = asyncio.ensure_future(anext(events))
        is_first = True
        try:
            while loop.time() < end:
                quiet = 0.0 if wants_start else min(BOOKMARK_SECONDS, end - loop.time())
                done, _ = await asyncio.wait([following], timeout=quiet)
                if done:
                    kind, obj = following.result()
                    yield self._event(target.resource, kind, obj, request, wants, is_first)
                    is_first = False
                    following = asyncio.ensure_future(anext(events))
                    # Lets what is already there come before a bookmark does.
                    await asyncio.sleep(0)
                elif has_bookmarks:
                    at = start if wants_start else self._api.resource_version
                    yield _bookmark(target.resource, at, is_start=wants_start)
                    wants_start = False
                else:
                    wants_start = False
        except ApiError as error:
            yield _line({"type": "ERROR", "object": error.to_object()})
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await events.aclose()

    def _event(
        self,
        resource: Resource,
        kind: str,
        obj: Object,
        request: Request,
        wants: Accepted,
        is_first: bool,
    ) -> bytes:
        if wants.shape == "table":
            include = request.query_params.get("includeObject", "")
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            table = to_table(resource, [obj], metadata, utc_now(), include)
            if not is_first:
                table["columnDefinitions"] = None
            obj = table
        elif wants.shape == "partial":
            obj = to_partial(obj)
        return _line({"type": kind, "object": obj})

    async def _read_log(self, target: Target, request: Request) -> Response:
        query = request.query_params
        namespace, name = target.namespace or "", target.name
        pod = self._api.get(target.resource, namespace, name)
        container = _container(pod, query.get("container", ""))
        is_previous = _is_true(query, "previous")
        path = self._log_path(namespace, name, container, is_previous)
        if path is None or not path.is_file():
            if is_previous:
                raise bad_request(
                    f'previous terminated container "{container}" in pod "{name}" not found'
                )
            raise bad_request(
                f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating'
            )
        lines = query.get("tailLines")
        if lines is not None and not lines.isdigit():
            raise bad_request(f"tailLines: Invalid value: {lines!r}")
        limit = int(lines) if lines is not None else None
        if not _is_true(query, "follow"):
            return PlainTextResponse(logs.tail(path.read_bytes(), limit))

        def is_running() -> bool:
            return self._is_running(namespace, name, container, pod["metadata"]["uid"])

        chunks = logs.follow(path, limit, is_running)
        return Stream(chunks, self._stopping, "text/plain")

    def _is_running(self, namespace: str, name: str, container: str, uid: str) -> bool:
        try:
            pod = self._api.get(PODS, namespace, name)
        except ApiError:
            return False
        status = pod.get("status", {})
        every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        states = [s.get("state", {}) for s in every if s.get("name") == container]
        return pod["metadata"]["uid"] == uid and not any("terminated" in s for s in states)


_VERBS = {
    ("GET", True): "_get",
    ("GET", False): "_list",
    ("POST", False): "_create",
    ("PUT", True): "_update",
    ("PATCH", True): "_patch",
    ("DELETE", True): "_delete",
    ("DELETE", False): "_delete_all",
}


def _container(pod: Object, asked: str) -> str:
    """The container whose log is meant. Raises ApiError 400 where that is not clear."""
    spec, name = pod.get("spec", {}), pod["metadata"]["name"]
    main = [c["name"] for c in spec.get("containers") or []]
    init = [c["name"] for c in spec.get("initContainers") or []]
    if asked in main + init:
        return asked
    if asked:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if len(main) == 1:
        return str(main[0])
    listed = f"[{' '.join(main)}]"
    message = f"a container name must be specified for pod {name}, choose one of: {listed}"
    if init:
        message += f" or one of the init containers: [{' '.join(init)}]"
    raise bad_request(message)


async def _body(request: Request, validation: FieldValidation) -> Any:
    return read_body(await request.body(), request.headers.get("content-type", ""), validation)


async def _delete_options(request: Request) -> dict[str, Any]:
    body = await request.body()
    given = read_body(body, request.headers.get("content-type", "")) if body else {}
    options = given if isinstance(given, dict) else {}
    query = request.query_params
    policy = options.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    preconditions = options.get("preconditions") or {}
    dry_run = ",".join(options.get("dryRun") or []) or query.get("dryRun", "")
    return {
        "propagation": policy,
        "grace_period_seconds": None if grace is None else int(grace),
        "dry_run": read_dry_run({"dryRun": dry_run}),
        "uid": preconditions.get("uid"),
        "resource_version": preconditions.get("resourceVersion"),
    }


def _manager(request: Request) -> str:
    given = request.query_params.get("fieldManager")
    return given or request.headers.get("user-agent", "").partition("/")[0][:128] or "unknown"


def _is_true(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _without_kind(obj: Object) -> Object:
    return {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}


def _answer(obj: Object, status: int = 200, warnings: list[str] | None = None) -> Response:
    response = JSONResponse(obj, status)
    for warning in warnings or []:
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{text}"')
    return response


def _bookmark(resource: Resource, version: str, *, is_start: bool) -> bytes:
    metadata: Object = {"resourceVersion": version, "creationTimestamp": None}
    if is_start:
        metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
    obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line({"type": "BOOKMARK", "object": obj})


def _line(event: Object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
