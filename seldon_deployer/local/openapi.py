"""OpenAPI v3 of the embedded API, as far as clients read it.

`kubectl explain` reads the schemas; `kubectl apply`, `create` and `diff` look whether PATCH takes
`fieldValidation` and `dryRun`, and how lists are patched.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from seldon_deployer import __version__
from seldon_deployer.local.discovery import group_versions
from seldon_deployer.local.objects import RESOURCES, Resource

Object = dict[str, Any]

_WRITE_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string"}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


def openapi_index() -> Object:
    """Answer of `/openapi/v3`: where each group version is described."""
    paths = {}
    for group, version in group_versions():
        place = f"apis/{group}/{version}" if group else f"api/{version}"
        key = sha256(f"{place} {__version__}".encode()).hexdigest().upper()
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={key}"}
    return {"paths": paths}


@cache
def openapi_document(group: str, version: str) -> Object | None:
    """Answer of `/openapi/v3/apis/GROUP/VERSION`, or None."""
    served = [r.at(version) for r in RESOURCES if r.group == group and version in r.versions]
    if not served:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "seldon-deployer", "version": __version__},
        "paths": {path: item for r in served for path, item in _paths(r).items()},
        "components": {"schemas": {_name(r): _schema(r) for r in served}},
    }


def _name(resource: Resource) -> str:
    group = ".".join(reversed((resource.group or "core").split(".")))
    return f"{group}.{resource.version}.{resource.kind}"


def _schema(resource: Resource) -> Object:
    return resource.schema | {"x-kubernetes-group-version-kind": [_kind(resource)]}


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: Resource) -> Object:
    prefix = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    if resource.is_namespaced:
        prefix += "/namespaces/{namespace}"
    collection = f"{prefix}/{resource.plural}"
    return {
        collection: {
            "get": _operation(resource, "list"),
            "post": _operation(resource, "post", _WRITE_PARAMETERS),
        },
        f"{collection}/{{name}}": {
            "get": _operation(resource, "get"),
            "put": _operation(resource, "put", _WRITE_PARAMETERS),
            "patch": _operation(resource, "patch", _WRITE_PARAMETERS),
            "delete": _operation(resource, "delete", _WRITE_PARAMETERS[:1]),
        },
    }


def _operation(resource: Resource, action: str, parameters: list[Object] | None = None) -> Object:
    reference = {"$ref": f"#/components/schemas/{_name(resource)}"}
    return {
        "operationId": f"{action}{resource.version.capitalize()}{resource.kind}",
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _kind(resource),
        "parameters": parameters or [],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": reference}}}
        },
    }
