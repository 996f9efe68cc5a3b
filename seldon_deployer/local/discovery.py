"""What the embedded API says it serves: groups, versions, resources and their verbs."""

from __future__ import annotations

from typing import Any

from seldon_deployer import __version__
from seldon_deployer.local.objects import RESOURCES, Resource

Object = dict[str, Any]

# The API level that is kept; clients judge version skew by it.
KUBERNETES_MINOR = "34"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_PART_VERBS = ["get", "patch", "update"]


def version_info() -> Object:
    """Answer of `/version`."""
    return {
        "major": "1",
        "minor": KUBERNETES_MINOR,
        "gitVersion": f"v1.{KUBERNETES_MINOR}.0+seldon-deployer-{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    }


def core_versions(address: str) -> Object:
    """Answer of `/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list() -> Object:
    """Answer of `/apis`."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name) for name in _group_names()],
    }


def find_group(name: str) -> Object | None:
    """Answer of `/apis/GROUP`, or None."""
    if name not in _group_names():
        return None
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name)


def resource_list(group: str, version: str) -> Object | None:
    """Answer of `/apis/GROUP/VERSION` and `/api/v1`, or None."""
    served = _served(group, version)
    if not served:
        return None
    resources = []
    for resource in served:
        resources.append(_resource(resource))
        resources += [_subresource(resource, name) for name in resource.subresources]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": resources,
    }


def aggregated(*, core: bool) -> Object:
    """Answer of `/api` (`core`) or `/apis` for clients that want all of it at once."""
    names = [""] if core else _group_names()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(name) for name in names],
    }


def group_versions() -> list[tuple[str, str]]:
    """Every served (group, version)."""
    found = [(r.group, version) for r in RESOURCES for version in r.versions]
    return list(dict.fromkeys(found))


def _group_names() -> list[str]:
    return list(dict.fromkeys(resource.group for resource in RESOURCES if resource.group))


def _versions(group: str) -> list[str]:
    return [version for name, version in group_versions() if name == group]


def _served(group: str, version: str) -> list[Resource]:
    return [r.at(version) for r in RESOURCES if r.group == group and version in r.versions]


def _group(name: str) -> Object:
    versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in _versions(name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource(resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.is_namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _part_kind(resource: Resource, name: str) -> tuple[str, str, str]:
    if name == "scale":
        return "autoscaling", "v1", "Scale"
    return resource.group, resource.version, resource.kind


def _subresource(resource: Resource, name: str) -> Object:
    group, version, kind = _part_kind(resource, name)
    entry: Object = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.is_namespaced,
        "kind": kind,
        "verbs": ["get"] if name == "log" else _PART_VERBS,
    }
    if name == "scale":
        entry |= {"group": group, "version": version}
    return entry


def _aggregated_group(name: str) -> Object:
    return {
        "metadata": {"name": name} if name else {},
        "versions": [
            {
                "version": version,
                "resources": [_aggregated_resource(r) for r in _served(name, version)],
                "freshness": "Current",
            }
            for version in _versions(name)
        ],
    }


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.is_namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": _VERBS,
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": _kind(*_part_kind(resource, name)),
                "verbs": ["get"] if name == "log" else _PART_VERBS,
            }
            for name in resource.subresources
        ]
    return entry


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}
