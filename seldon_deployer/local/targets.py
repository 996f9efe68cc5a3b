"""What a URL points at."""

from __future__ import annotations

from dataclasses import dataclass

from seldon_deployer.local.objects import Resource, find_resource


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
