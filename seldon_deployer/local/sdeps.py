"""Seldon's operator: reconciles one SeldonDeployment with its Services and Deployments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from seldon_deployer.local.api import Api
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.images import NotRunnable, find_program
from seldon_deployer.local.objects import DEPLOYMENTS, SELDON_DEPLOYMENTS, SERVICES, Resource
from seldon_deployer.local.operator import NotHere, OperatorError, Plan, make_plan
from seldon_deployer.local.operator_deployments import LAST_APPLIED_ANNOTATION
from seldon_deployer.local.sdep_status import failed_status, observed_status, refused_status
from seldon_deployer.local.status import ApiError

Object = dict[str, Any]

MANAGER = "seldon-controller-manager"


class SeldonController:
    """Makes what a SeldonDeployment wants, removes what it no longer wants, says how it stands."""

    def __init__(
        self, api: Api, events: EventRecorder, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._api = api
        self._events = events
        self._clock = clock or (lambda: datetime.now(UTC))

    def reconcile(self, namespace: str, name: str) -> None:
        """One pass; raises ApiError to be called again."""
        try:
            sdep = self._api.get(SELDON_DEPLOYMENTS, namespace, name)
        except ApiError as error:
            if error.status == 404:
                return
            raise
        if sdep["metadata"].get("deletionTimestamp"):
            return
        before = sdep.get("status", {})
        try:
            plan = make_plan(sdep)
            check_runnable(plan)
            is_new = self._create_and_update(sdep, plan)
        except (NotHere, NotRunnable) as refusal:
            generation = sdep["metadata"]["generation"]
            self._write(sdep, refused_status(before, str(refusal), generation))
            return
        except OperatorError as error:
            self._write(sdep, failed_status(before, str(error)))
            return
        except ApiError as error:
            self._write(sdep, failed_status(before, error.message))
            raise
        live = self._owned(DEPLOYMENTS, sdep)
        status = observed_status(plan, before, live, is_new=is_new, now=self._clock())
        if status["state"] == "Available":
            self._remove_replaced(sdep, plan, live)
        self._write(sdep, status)

    def _create_and_update(self, sdep: Object, plan: Plan) -> bool:
        """Whether anything that matters to readiness was created or changed."""
        is_new = False
        for service in plan.services:
            live = self._find(SERVICES, service)
            if live is not None and not _is_owned(live, sdep):
                self._replace_foreign(SERVICES, live)
                live = None
            if live is None:
                self._create(SERVICES, sdep, service)
                is_new = True
            elif _differs(service["spec"], live["spec"]) or _lacks(service, live):
                self._update(SERVICES, sdep, live, service)
        for deployment in plan.deployments:
            live = self._find(DEPLOYMENTS, deployment)
            if live is not None and (
                not _is_owned(live, sdep)
                or live["spec"]["selector"] != deployment["spec"]["selector"]
            ):
                self._replace_foreign(DEPLOYMENTS, live)
                live = None
            if live is None:
                self._create(DEPLOYMENTS, sdep, deployment)
                is_new = True
            elif _must_update(deployment, live):
                is_new |= _differs(deployment["spec"]["template"], live["spec"]["template"])
                self._update(DEPLOYMENTS, sdep, live, deployment)
        return is_new

    def _remove_replaced(self, sdep: Object, plan: Plan, live: dict[str, Object]) -> None:
        """Delete what was replaced, now that everything wanted serves."""
        wanted = {item["metadata"]["name"] for item in plan.deployments}
        leftovers = [name for name in live if name not in wanted]
        for name in leftovers:
            if not live[name]["metadata"].get("deletionTimestamp"):
                self._delete(DEPLOYMENTS, sdep, name)
        if not leftovers:
            services = {item["metadata"]["name"] for item in plan.services}
            for name in self._owned(SERVICES, sdep):
                if name not in services:
                    self._delete(SERVICES, sdep, name)

    def _owned(self, resource: Resource, sdep: Object) -> dict[str, Object]:
        objects, _ = self._api.list(resource, sdep["metadata"]["namespace"])
        return {obj["metadata"]["name"]: obj for obj in objects if _is_owned(obj, sdep)}

    def _find(self, resource: Resource, wanted: Object) -> Object | None:
        metadata = wanted["metadata"]
        try:
            return self._api.get(resource, metadata["namespace"], metadata["name"])
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _create(self, resource: Resource, sdep: Object, wanted: Object) -> None:
        self._api.create(resource, sdep["metadata"]["namespace"], wanted, manager=MANAGER)
        self._say(sdep, f"Create{resource.kind}", f"Created {resource.kind}", wanted)

    def _update(self, resource: Resource, sdep: Object, live: Object, wanted: Object) -> None:
        metadata = live["metadata"]
        spec = {**live["spec"], **wanted["spec"]}
        if "replicas" not in wanted["spec"] and "replicas" in live["spec"]:
            spec["replicas"] = live["spec"]["replicas"]
        new = {
            **live,
            "metadata": {
                **metadata,
                "labels": wanted["metadata"]["labels"],
                "annotations": wanted["metadata"].get("annotations", {}),
            },
            "spec": spec,
        }
        self._api.update(resource, metadata["namespace"], metadata["name"], new, manager=MANAGER)
        self._say(sdep, f"Update{resource.kind}", f"Updated {resource.kind}", wanted)

    def _delete(self, resource: Resource, sdep: Object, name: str) -> None:
        self._api.delete(resource, sdep["metadata"]["namespace"], name)
        gone = {"metadata": {"name": name}}
        self._say(sdep, f"Delete{resource.kind}", f"Deleted {resource.kind}", gone)

    def _replace_foreign(self, resource: Resource, live: Object) -> None:
        # Seldon's operator takes a name it wants, whoever holds it.
        self._api.delete(resource, live["metadata"]["namespace"], live["metadata"]["name"])

    def _say(self, sdep: Object, reason: str, words: str, about: Object) -> None:
        self._events.record(sdep, "Normal", reason, f'{words} "{about["metadata"]["name"]}"')

    def _write(self, sdep: Object, status: Object) -> None:
        if status == sdep.get("status", {}):
            return
        metadata = sdep["metadata"]
        self._api.update(
            SELDON_DEPLOYMENTS,
            metadata["namespace"],
            metadata["name"],
            {**sdep, "metadata": _without_version(metadata), "status": status},
            manager=MANAGER,
            subresource="status",
        )


def check_runnable(plan: Plan) -> None:
    """Refuse a plan with a container that is no program here; raises NotRunnable."""
    for deployment in plan.deployments:
        spec = deployment["spec"]["template"]["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            find_program(container)


def _must_update(wanted: Object, live: Object) -> bool:
    annotations = live["metadata"].get("annotations", {})
    recorded = wanted["metadata"]["annotations"][LAST_APPLIED_ANNOTATION]
    if annotations.get(LAST_APPLIED_ANNOTATION) != recorded:
        return True
    # A hand edit of what the operator wants is undone; what it does not mention stays.
    return _differs(wanted["spec"], live["spec"])


def _lacks(wanted: Object, live: Object) -> bool:
    metadata = live["metadata"]
    return any(
        _differs(wanted["metadata"].get(field, {}), metadata.get(field, {}))
        for field in ("labels", "annotations")
    )


def _differs(wanted: Any, live: Any) -> bool:
    """Whether anything that `wanted` mentions is otherwise in `live`."""
    if isinstance(wanted, dict):
        if not isinstance(live, dict):
            return bool(wanted)
        return any(_differs(value, live.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(live, list) or len(wanted) != len(live):
            return True
        return any(_differs(one, other) for one, other in zip(wanted, live, strict=True))
    return bool(wanted != live)


def _is_owned(obj: Object, sdep: Object) -> bool:
    owners = obj["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == sdep["metadata"]["uid"] for owner in owners)


def _without_version(metadata: Object) -> Object:
    return {key: value for key, value in metadata.items() if key != "resourceVersion"}
