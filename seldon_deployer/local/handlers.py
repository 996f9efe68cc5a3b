"""One request on one resource: from its URL to a verb of the Api, and back to an answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seldon_deployer.local.api import Api, utc_now
from seldon_deployer.local.logs import LogPath, LogReader
from seldon_deployer.local.negotiation import (
    Accepted,
    accepted,
    is_true,
    patch_type_of,
    read_body,
    read_dry_run,
    read_validation,
)
from seldon_deployer.local.objects import NAMESPACES, PODS, Resource
from seldon_deployer.local.paging import Page, page_of
from seldon_deployer.local.prepare import FieldValidation
from seldon_deployer.local.status import ApiError, invalid, invalid_option
from seldon_deployer.local.streams import Stream
from seldon_deployer.local.tables import to_partial, to_table
from seldon_deployer.local.targets import Target
from seldon_deployer.local.watching import Watching

Object = dict[str, Any]


class Handler:
    """Answers the requests on resources."""

    def __init__(self, api: Api, log_path: LogPath, stopping: asyncio.Event) -> None:
        self._api = api
        self._logs = LogReader(api, log_path, stopping)
        self._stopping = stopping

    async def handle(self, target: Target, request: Request) -> Response:
        """Answer one request. Raises ApiError."""
        if target.subresource == "log":
            return self._logs.read(target, request)
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
        if is_true(request.query_params, "watch"):
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
        if is_true(query, "watch"):
            watching = Watching(self._api, target, query, wants, selectors)
            return Stream(watching.lines(), self._stopping, "application/json")
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
            dry_run=read_dry_run(request.query_params, "CreateOptions"),
            validation=validation,
        )
        return self._shown(target.resource, obj, request, wants, 201, validation.warnings)

    async def _update(self, target: Target, request: Request, wants: Accepted) -> Response:
        validation = read_validation(request.query_params)
        dry_run = read_dry_run(request.query_params, "UpdateOptions")
        body = await _body(request, validation)
        _check_replaceable(target, body)
        obj = self._api.update(
            target.resource,
            target.namespace,
            target.name,
            body,
            manager=_manager(request),
            subresource=target.subresource or None,
            dry_run=dry_run,
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
            message = "Forbidden: may not be specified for non-apply patch"
            raise invalid_option("PatchOptions", "force", message, "FieldValueForbidden")
        obj, was_created = self._api.patch(
            target.resource,
            target.namespace,
            target.name,
            await _body(request, validation),
            patch_type=patch_type,
            manager=query.get("fieldManager", "") if is_apply else _manager(request),
            subresource=target.subresource or None,
            force=is_true(query, "force"),
            dry_run=read_dry_run(query, "PatchOptions"),
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


_POLICIES = ("Background", "Foreground", "Orphan")
_VERBS = {
    ("GET", True): "_get",
    ("GET", False): "_list",
    ("POST", False): "_create",
    ("PUT", True): "_update",
    ("PATCH", True): "_patch",
    ("DELETE", True): "_delete",
    ("DELETE", False): "_delete_all",
}


def _check_replaceable(target: Target, body: Any) -> None:
    """A custom resource is replaced from a known version alone. Raises ApiError 422."""
    if not target.resource.is_custom or target.subresource == "scale":
        return
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not metadata or not metadata.get("resourceVersion"):
        rule = "Invalid value: 0: must be specified for an update"
        # Here Kubernetes names the resource where it else names the kind.
        named = replace(target.resource, kind=target.resource.plural)
        raise invalid(named, target.name, [("metadata.resourceVersion", rule)])


async def _body(request: Request, validation: FieldValidation) -> Any:
    return read_body(await request.body(), request.headers.get("content-type", ""), validation)


async def _delete_options(request: Request) -> dict[str, Any]:
    body = await request.body()
    given = read_body(body, request.headers.get("content-type", "")) if body else {}
    options = given if isinstance(given, dict) else {}
    query = request.query_params
    policy = options.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    if policy not in _POLICIES:
        message = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", '
        message += '"Orphan", "nil"'
        raise invalid_option(
            "DeleteOptions", "propagationPolicy", message, "FieldValueNotSupported"
        )
    preconditions = options.get("preconditions") or {}
    in_body = ",".join(options.get("dryRun") or [])
    return {
        "propagation": policy,
        "grace_period_seconds": None if grace is None else int(grace),
        "dry_run": read_dry_run({"dryRun": in_body} if in_body else query, "DeleteOptions"),
        "uid": preconditions.get("uid"),
        "resource_version": preconditions.get("resourceVersion"),
    }


def _manager(request: Request) -> str:
    given = request.query_params.get("fieldManager")
    return given or request.headers.get("user-agent", "").partition("/")[0][:128] or "unknown"


def _without_kind(obj: Object) -> Object:
    return {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}


def _answer(obj: Object, status: int = 200, warnings: list[str] | None = None) -> Response:
    response = JSONResponse(obj, status)
    for warning in warnings or []:
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{text}"')
    return response
