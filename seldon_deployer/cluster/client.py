"""`Cluster`: read, write and watch objects of a Kubernetes API as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from seldon_deployer.cluster.failures import Call
from seldon_deployer.cluster.logs import open_log
from seldon_deployer.cluster.resources import Object, Resource
from seldon_deployer.cluster.transport import Transport
from seldon_deployer.cluster.watch import Watch
from seldon_deployer.errors import ClusterError, NotFound
from seldon_deployer.naming import FIELD_MANAGER

PatchType = Literal["merge", "json", "strategic"]
Propagation = Literal["Background", "Foreground", "Orphan"]

# Inside the class, `list` is the method.
_Objects = list[Object]
Listing = tuple[_Objects, str]

PAGE_SIZE = 500
# Applying and patching under one manager name conflict with each other.
PATCH_MANAGER = f"{FIELD_MANAGER}-patch"
_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
_APPLY_TYPE = "application/apply-patch+yaml"


class Cluster:
    """A Kubernetes API, with a namespace to work in.

    Every method raises ClusterUnreachable, PermissionDenied, ApiMissing, NotFound, Conflict,
    ManifestError or ClusterError; an object that is not there is None only from `get`.
    """

    def __init__(self, transport: Transport, *, namespace: str, description: str) -> None:
        self._transport = transport
        self.namespace = namespace
        self.description = description

    def __repr__(self) -> str:
        return f"<Cluster {self.description}, namespace {self.namespace}>"

    def serves(self, resource: Resource) -> bool:
        """Whether the API knows the resource: one discovery call."""
        try:
            answer = self._transport.call("GET", resource.api_path, Call("discover", resource))
        except NotFound:
            return False
        except ClusterError as error:
            if error.status == 404:
                return False
            raise
        return any(each.get("name") == resource.plural for each in answer.get("resources") or [])

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None when it is not there."""
        namespace = self._namespace(resource, namespace)
        try:
            return self._call("GET", resource.path(namespace, name), "get", resource, name)
        except NotFound:
            return None

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Listing:
        """All matching objects, read in pages, and the resourceVersion of the list."""
        namespace = self._namespace(resource, namespace)
        params = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": str(PAGE_SIZE),
        }
        try:
            return self._pages(resource, namespace, params)
        except ClusterError as error:
            # The API forgot the version that the pages were of: once more, in one piece.
            if error.status != 410:
                raise
            return self._pages(resource, namespace, params | {"limit": ""})

    def create(
        self,
        resource: Resource,
        obj: Object,
        *,
        namespace: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Create an object that is not there yet; Conflict when it is."""
        namespace = self._namespace(resource, namespace)
        return self._call(
            "POST",
            resource.path(namespace),
            "create",
            resource,
            obj.get("metadata", {}).get("name"),
            params=_write_params(FIELD_MANAGER, dry_run),
            body=obj,
            repeatable=False,
        )

    def apply(
        self,
        resource: Resource,
        obj: Object,
        *,
        namespace: str | None = None,
        force: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Make the fields of `obj` true, and ours; fields we gave before and left out now go.

        Nulls are left out: the API rejects them. Conflict when another manager owns a field that
        we want, unless `force`.
        """
        namespace = self._namespace(resource, namespace)
        name = obj["metadata"]["name"]
        params = _write_params(FIELD_MANAGER, dry_run)
        if force:
            params["force"] = "true"
        return self._call(
            "PATCH",
            resource.path(namespace, name),
            "patch",
            resource,
            name,
            params=params,
            body=without_nulls(obj),
            content_type=_APPLY_TYPE,
            is_apply=True,
        )

    def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        *,
        namespace: str | None = None,
        patch_type: PatchType = "merge",
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Change parts of an object; `patch` is a list for `json`, else an object."""
        namespace = self._namespace(resource, namespace)
        return self._call(
            "PATCH",
            resource.path(namespace, name, subresource),
            "patch",
            resource,
            name,
            subresource=subresource,
            params=_write_params(PATCH_MANAGER, dry_run),
            body=patch,
            content_type=_PATCH_TYPES[patch_type],
            # Taking an item out of a list twice takes out two.
            repeatable=patch_type != "json",
        )

    def delete(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str | None = None,
        propagation: Propagation = "Background",
        uid: str | None = None,
        version: str | None = None,
    ) -> Object:
        """Delete an object. NotFound when it is gone.

        With `uid` only if it is still that one, with `version` only if it is still at that
        resourceVersion: else Conflict.
        """
        namespace = self._namespace(resource, namespace)
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        conditions = {"uid": uid, "resourceVersion": version}
        if given := {key: value for key, value in conditions.items() if value is not None}:
            options["preconditions"] = given
        return self._call(
            "DELETE", resource.path(namespace, name), "delete", resource, name, body=options
        )

    def watch(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        since: str | None = None,
        known: Iterable[Object] = (),
    ) -> Watch:
        """Follow changes until the watch is closed; see Watch.

        `since` is the resourceVersion to go on from, with the objects `known` at it; without it
        the watch begins with a list.
        """

        def list_again() -> Listing:
            return self.list(
                resource,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
            )

        scope = self._namespace(resource, namespace)
        return Watch(
            self._transport,
            resource.path(scope),
            Call("watch", resource, namespace=scope),
            params={"labelSelector": label_selector, "fieldSelector": field_selector},
            list_objects=list_again,
            since=since,
            known=known,
        )

    def pod_logs(
        self,
        name: str,
        *,
        namespace: str | None = None,
        container: str | None = None,
        previous: bool = False,
        tail: int | None = None,
        follow: bool = False,
    ) -> Iterator[str]:
        """The lines of a container's log, without line ends; with `follow` as they come."""
        return open_log(
            self._transport,
            name,
            self._namespace_or_own(namespace),
            container=container,
            previous=previous,
            tail=tail,
            follow=follow,
        )

    def close(self) -> None:
        """Close the idle connections. The cluster stays usable."""
        self._transport.close()

    def _pages(self, resource: Resource, namespace: str | None, params: dict[str, str]) -> Listing:
        items: _Objects = []
        type_meta: Object = {"apiVersion": resource.api_version, "kind": resource.kind}
        token = ""
        while True:
            page = self._call(
                "GET",
                resource.path(namespace),
                "list",
                resource,
                params=params | {"continue": token},
            )
            # Only the list as a whole says what its items are.
            items += [type_meta | item for item in page.get("items") or []]
            token = page["metadata"].get("continue") or ""
            if not token:
                return items, str(page["metadata"].get("resourceVersion") or "")

    def _call(
        self,
        method: str,
        path: str,
        verb: str,
        resource: Resource,
        name: str | None = None,
        *,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        subresource: str | None = None,
        is_apply: bool = False,
        repeatable: bool = True,
    ) -> Object:
        namespace = path.partition("/namespaces/")[2].partition("/")[0] or None
        answer: Object = self._transport.call(
            method,
            path,
            Call(verb, resource, name, namespace, subresource, is_apply),
            params=params,
            body=body,
            content_type=content_type,
            repeatable=repeatable,
        )
        return answer

    def _namespace(self, resource: Resource, namespace: str | None) -> str | None:
        return self._namespace_or_own(namespace) if resource.namespaced else None

    def _namespace_or_own(self, namespace: str | None) -> str:
        return namespace or self.namespace


def without_nulls(value: Any) -> Any:
    """A copy without any null: apply rejects what other writes silently drop."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


def _write_params(manager: str, dry_run: bool) -> dict[str, str]:
    params = {"fieldManager": manager, "fieldValidation": "Strict"}
    if dry_run:
        params["dryRun"] = "All"
    return params
