"""What was seen of one SeldonDeployment: plain objects, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seldon_deployer.manifest.expected import expected_deployments
from seldon_deployer.manifest.revision import revisions
from seldon_deployer.naming import REVISION_ANNOTATION

Object = dict[str, Any]


@dataclass(frozen=True)
class Observation:
    """The SeldonDeployment and what hangs on it, as last seen.

    `deployment` is None when it is gone. `deployments` may hold other owners' Deployments;
    `pods`, `events` and `logs` (last lines by "pod/container") are empty until somebody looked.
    """

    deployment: Object | None
    deployments: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The operator's word: '' before the first reconcile, Creating, Available, Failed."""
        return str(self.status.get("state") or "")

    @property
    def description(self) -> str:
        """What the operator says about a failure."""
        return str(self.status.get("description") or "")

    @property
    def status(self) -> Object:
        """The status of the SeldonDeployment."""
        status: Object = (self.deployment or {}).get("status") or {}
        return status

    def owned_deployments(self) -> list[Object]:
        """The Deployments that belong to this SeldonDeployment (by owner, never by label)."""
        if self.deployment is None:
            return []
        uid = self.deployment["metadata"].get("uid")
        return [each for each in self.deployments if owner_uid(each) == uid]


def owner_uid(obj: Object) -> str | None:
    """The uid of the object's controller."""
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner.get("uid"))
    return None


def template_revision(obj: Object) -> str | None:
    """The revision that the pods of a Deployment are made with."""
    return _revision(obj["spec"]["template"].get("metadata") or {})


def pod_revision(pod: Object) -> str | None:
    """The revision that a pod was made with."""
    return _revision(pod["metadata"])


def pods_of_revision(wanted: Object, observed: Observation) -> list[Object]:
    """The pods that were made for `wanted`, and not for what it replaced."""
    stamped = set(revisions(wanted).values())
    names = set(expected_deployments(wanted))
    return [
        pod
        for pod in observed.pods
        if pod_revision(pod) in stamped
        # Explainers and separate engines carry no revision: known by their Deployment.
        or (pod_revision(pod) is None and pod["metadata"].get("labels", {}).get("app") in names)
    ]


def _revision(metadata: Object) -> str | None:
    revision = (metadata.get("annotations") or {}).get(REVISION_ANNOTATION)
    return None if revision is None else str(revision)
