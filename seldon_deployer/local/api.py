"""The Kubernetes API as methods: every verb on every served resource.

HTTP handlers and controllers use it alike, in one event loop; each call is quick. Objects come and
go at the version of the `resource` they are asked by; they are stored at its storage version.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any

from seldon_deployer.local.accounts import DEFAULT_ACCOUNT, MANAGER, account_key, check_account
from seldon_deployer.local.apply import ApplyConflict, Writer, apply
from seldon_deployer.local.deletion import Deleter, is_finished
from seldon_deployer.local.managers import read_managers
from seldon_deployer.local.objects import NAMESPACES, PODS, SERVICE_ACCOUNTS, Resource
from seldon_deployer.local.ownership import (
    blank_object,
    same_but_times,
    track,
    unreached,
    without_managers,
    write_managers,
)
from seldon_deployer.local.prepare import (
    FieldValidation,
    admit,
    check_immutable,
    check_kind,
    drop_unknown,
    set_defaults,
    validate,
)
from seldon_deployer.local.scale import check_scalable, scaled, to_scale
from seldon_deployer.local.selectors import parse_selectors
from seldon_deployer.local.status import (
    ApiError,
    already_exists,
    apply_conflict,
    bad_request,
    conflict,
    forbidden,
    not_found,
)
from seldon_deployer.local.store import Key, Store
from seldon_deployer.local.transitions import (
    PatchType,
    begin,
    check_applied,
    check_deletable,
    check_preconditions,
    confine,
    patch_object,
    tidy_metadata,
)
from seldon_deployer.local.typed import check_types
from seldon_deployer.local.watch import watch_changes

__all__ = ["Api", "ApiError", "FieldValidation", "PatchType"]

Object = dict[str, Any]
Objects = list[Object]


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


class Api:
    """The verbs, over one store.

    `clock` tells the time; `admission` is asked about what passed everything else, and raises
    ApiError.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utc_now,
        admission: Callable[[Resource, Object], None] = admit,
    ) -> None:
        self._store = store
        self._clock = clock
        self._admission = admission
        self._deleter = Deleter(store, clock)
        if store.get(_key(NAMESPACES, None, "default")) is None:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
            self.create(NAMESPACES, None, namespace, manager="seldon-deployer")
        for each in store.select(NAMESPACES.qualified):
            self._give_account(each["metadata"]["name"])

    @property
    def resource_version(self) -> str:
        """The version of the last write."""
        return str(self._store.version)

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """Read one object. Raises ApiError 404."""
        return _spoken(resource, self._stored(resource, namespace, name))

    def get_scale(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """Read an object's Scale. Raises ApiError 404, and 500 where it has no replicas."""
        obj = self._stored(resource, namespace, name)
        check_scalable(obj)
        return to_scale(resource, obj)

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> tuple[Objects, str]:
        """Read the selected objects, by namespace and name, and the version they are at."""
        selects = parse_selectors(resource, label_selector, field_selector)
        objects = self._store.select(resource.qualified, namespace)
        return [_spoken(resource, obj) for obj in objects if selects(obj)], self.resource_version

    def create(
        self,
        resource: Resource,
        namespace: str | None,
        obj: Object,
        *,
        manager: str,
        dry_run: bool = False,
        validation: FieldValidation | None = None,
    ) -> Object:
        """Store a new object. Raises ApiError: 404 without its namespace, 409 where it exists."""
        sent = drop_unknown(resource, check_kind(resource, obj), validation)
        if sent["metadata"].get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        new = begin(resource, namespace, sent, self._now())
        managers = track(resource, None, new, self._writer(resource, manager, None))
        return self._insert(resource, write_managers(new, managers), dry_run)

    def update(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        obj: Object,
        *,
        manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
        validation: FieldValidation | None = None,
    ) -> Object:
        """Replace an object, its status or its scale.

        A resourceVersion in `obj` must be the stored one (ApiError 409); an update that changes
        nothing writes nothing.
        """
        live = self.get(resource, namespace, name)
        if subresource == "scale":
            new = scaled(resource, live, obj)
            return to_scale(resource, self._replace(resource, live, new, manager, "scale", dry_run))
        new = drop_unknown(resource, check_kind(resource, obj), validation)
        return self._replace(resource, live, new, manager, subresource, dry_run)

    def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Any,
        *,
        patch_type: PatchType,
        manager: str,
        subresource: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        validation: FieldValidation | None = None,
    ) -> tuple[Object, bool]:
        """Change an object by a patch; returns it and whether apply created it."""
        if patch_type == "apply":
            applied = check_applied(resource, name, patch, manager)
            writer = self._writer(resource, manager, subresource)
            return self._apply(resource, namespace, applied, writer, force, dry_run)
        live = self.get(resource, namespace, name)
        if subresource == "scale":
            scale = patch_object(resource, to_scale(resource, live), patch, patch_type)
            new = scaled(resource, live, scale)
            stored = self._replace(resource, live, new, manager, "scale", dry_run)
            return to_scale(resource, stored), False
        patched = check_kind(resource, patch_object(resource, live, patch, patch_type))
        new = drop_unknown(resource, patched, validation)
        return self._replace(resource, live, new, manager, subresource, dry_run), False

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
        dry_run: bool = False,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """Delete an object and, by `propagation`, what it owns.

        What has finalizers, and a pod with a grace period, is marked with a deletionTimestamp and
        goes later; returns the object as it then is, or as it last was. `uid` and
        `resource_version` are preconditions (ApiError 409).
        """
        live = self._stored(resource, namespace, name)
        check_deletable(resource, live, uid, resource_version)
        if dry_run:
            return _spoken(resource, live)
        last = self._deleter.delete(resource, live, propagation, grace_period_seconds)
        if resource.qualified == SERVICE_ACCOUNTS.qualified and namespace:
            self._give_account(namespace)
        return _spoken(resource, last)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Yield `(ADDED | MODIFIED | DELETED, object)` after `resource_version`, without end.

        Without a version it starts with what is there. Raises ApiError 410 where the change log
        does not reach back that far.
        """
        selects = parse_selectors(resource, label_selector, field_selector)
        changes = watch_changes(self._store, resource, namespace, resource_version, selects)
        async for kind, obj in changes:
            yield kind, _spoken(resource, obj)

    def _stored(self, resource: Resource, namespace: str | None, name: str) -> Object:
        obj = self._store.get(_key(resource, namespace, name))
        if obj is None:
            raise not_found(resource, name)
        return obj

    def _writer(self, resource: Resource, manager: str, subresource: str | None) -> Writer:
        return Writer(manager, resource.api_version, self._now(), subresource or "")

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _insert(self, resource: Resource, new: Object, dry_run: bool) -> Object:
        metadata = new["metadata"]
        if resource.is_namespaced:
            self._check_namespace(resource, metadata["namespace"], metadata["name"])
        if resource.qualified == PODS.qualified:
            check_account(self._store, new)
        validate(resource, new)
        self._admission(resource, new)
        key = _key(resource, metadata.get("namespace"), metadata["name"])
        if self._store.get(key) is not None:
            raise already_exists(resource, key.name)
        if dry_run:
            return new
        stored = self._store.put(key, _at_rest(resource, new))
        if resource.qualified == NAMESPACES.qualified:
            self._give_account(key.name)
        return _spoken(resource, stored)

    def _give_account(self, namespace: str) -> None:
        """Make the account that pods of a namespace have by themselves, unless it is going."""
        home = self._stored(NAMESPACES, None, namespace)
        if "deletionTimestamp" in home["metadata"]:
            return
        if self._store.get(account_key(namespace)) is None:
            account = {"metadata": {"name": DEFAULT_ACCOUNT}}
            self.create(SERVICE_ACCOUNTS, namespace, account, manager=MANAGER)

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        home = self._stored(NAMESPACES, None, namespace)
        if "deletionTimestamp" in home["metadata"]:
            why = (
                f"unable to create new content in namespace {namespace} because it is being "
                "terminated"
            )
            raise forbidden(resource, name, why)

    def _replace(
        self,
        resource: Resource,
        live: Object,
        new: Object,
        manager: str,
        subresource: str | None,
        dry_run: bool,
    ) -> Object:
        """Store a whole new state of `live`, as far as the subresource lets it through."""
        check_preconditions(resource, live, new)
        new = set_defaults(resource, new | {"metadata": tidy_metadata(new["metadata"])})
        # Owners are told from what was sent, also where it is then not let through.
        managers = track(resource, live, new, self._writer(resource, manager, subresource))
        new = confine(resource, live, new, subresource)
        return self._write(resource, live, write_managers(new, managers), dry_run)

    def _apply(
        self,
        resource: Resource,
        namespace: str | None,
        applied: Object,
        writer: Writer,
        force: bool,
        dry_run: bool,
    ) -> tuple[Object, bool]:
        name, subresource = applied["metadata"]["name"], writer.subresource
        stored = self._store.get(_key(resource, namespace, name))
        if stored is None and subresource:
            raise not_found(resource, name)
        if stored is None and applied["metadata"].get("uid"):
            uid = applied["metadata"]["uid"]
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object "
            raise conflict(resource, name, why + "was found")
        blank = blank_object(resource)
        live = blank if stored is None else _spoken(resource, stored)
        check_types(resource, applied)
        try:
            new, managers = apply(
                resource.schema,
                without_managers(live),
                applied,
                {} if stored is None else read_managers(live),
                writer,
                blank=blank,
                force=force,
                ignored=unreached(resource, subresource),
            )
        except ApplyConflict as clash:
            raise apply_conflict(len(clash.found), clash.summary, clash.causes) from clash
        if not resource.is_custom:
            # A custom resource keeps the nulls of an apply, and its schema then rejects them.
            new = drop_unknown(resource, new, None)
        if stored is None:
            new = begin(resource, namespace, new, self._now())
            return self._insert(resource, write_managers(new, managers), dry_run), True
        check_preconditions(resource, live, new)
        new = confine(resource, live, set_defaults(resource, new), subresource)
        return self._write(resource, live, write_managers(new, managers), dry_run), False

    def _write(self, resource: Resource, live: Object, new: Object, dry_run: bool) -> Object:
        validate(resource, new)
        check_immutable(resource, live, new)
        self._admission(resource, new)
        if same_but_times(live, new):
            return live
        if dry_run:
            return new
        at_rest = _at_rest(resource, new)
        if is_finished(new):
            # The last finalizer is gone: this update ends the object.
            return _spoken(resource, self._deleter.finish(resource, at_rest))
        key = _key(resource, live["metadata"].get("namespace"), live["metadata"]["name"])
        return _spoken(resource, self._store.put(key, at_rest))


def _key(resource: Resource, namespace: str | None, name: str) -> Key:
    return Key(resource.qualified, (namespace or "") if resource.is_namespaced else "", name)


def _spoken(resource: Resource, obj: Object) -> Object:
    return obj | {"apiVersion": resource.api_version}


def _at_rest(resource: Resource, obj: Object) -> Object:
    return obj | {"apiVersion": resource.storage_version}
