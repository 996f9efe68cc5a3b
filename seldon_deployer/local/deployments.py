"""The Deployment controller: pods come and go as `rollout` decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from seldon_deployer.local.api import Api
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.objects import DEPLOYMENTS, PODS
from seldon_deployer.local.pod_defaults import default_deployment
from seldon_deployer.local.rollout import (
    HASH_LABEL,
    deployment_status,
    next_step,
    progress_deadline,
    template_hash,
)
from seldon_deployer.local.status import ApiError

Object = dict[str, Any]

MANAGER = "kube-controller-manager"
# The one node: this machine.
NODE = "local"


class DeploymentController:
    """Steps each Deployment towards its spec; `wake_at(key, moment)` asks for a later look."""

    def __init__(self, api: Api, wake_at: Callable[[tuple[str, str, str], datetime], None]) -> None:
        self._api = api
        self._wake_at = wake_at
        self._events = EventRecorder(api, "deployment-controller")
        self._replicas = EventRecorder(api, "replicaset-controller")
        self._scheduler = EventRecorder(api, "default-scheduler")

    def reconcile(self, namespace: str, name: str) -> None:
        """One pass; raises ApiError to be called again."""
        try:
            deployment = self._api.get(DEPLOYMENTS, namespace, name)
        except ApiError as error:
            if error.status == 404:
                return
            raise
        if deployment["metadata"].get("deletionTimestamp"):
            return
        pods = self._pods_of(deployment)
        step = next_step(deployment, pods)
        started, refusal = self._start_pods(deployment, step.start)
        for pod in step.stop:
            self._api.delete(PODS, namespace, pod)
        if started or step.stop:
            self._say_scaled(deployment, pods, started, step.stop)
            pods = self._pods_of(deployment)
        refused = str(refusal) if refusal else None
        status = deployment_status(deployment, pods, datetime.now(UTC), refused=refused)
        if status != deployment.get("status", {}):
            metadata = {
                key: value
                for key, value in deployment["metadata"].items()
                if key != "resourceVersion"
            }
            deployment = self._api.update(
                DEPLOYMENTS,
                namespace,
                name,
                {**deployment, "metadata": metadata, "status": status},
                manager=MANAGER,
                subresource="status",
            )
        if (deadline := progress_deadline(deployment)) is not None:
            self._wake_at(("Deployment", namespace, name), deadline)
        if refusal is not None:
            raise refusal

    def _pods_of(self, deployment: Object) -> list[Object]:
        pods, _ = self._api.list(PODS, deployment["metadata"]["namespace"])
        uid = deployment["metadata"]["uid"]
        return [
            pod
            for pod in pods
            if any(item["uid"] == uid for item in pod["metadata"].get("ownerReferences") or [])
        ]

    def _start_pods(self, deployment: Object, count: int) -> tuple[int, ApiError | None]:
        """Make pods; returns how many, and what the API says where it refuses one."""
        for made in range(count):
            try:
                self._start_pod(deployment)
            except ApiError as error:
                if error.status != 403:
                    raise
                words = f"Error creating: {error}"
                self._replicas.record(deployment, "Warning", "FailedCreate", words)
                return made, error
        return count, None

    def _start_pod(self, deployment: Object) -> None:
        metadata = deployment["metadata"]
        template = default_deployment(deployment)["spec"]["template"]
        current = template_hash(deployment["spec"]["template"])
        inner = template.get("metadata", {})
        pod = self._api.create(
            PODS,
            metadata["namespace"],
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "generateName": f"{metadata['name']}-{current}-",
                    "labels": {**inner.get("labels", {}), HASH_LABEL: current},
                    "annotations": dict(inner.get("annotations", {})),
                    "ownerReferences": [_owner(metadata)],
                },
                "spec": {**template["spec"], "nodeName": NODE},
            },
            manager=MANAGER,
        )
        where = f"{metadata['namespace']}/{pod['metadata']['name']}"
        self._scheduler.record(
            pod, "Normal", "Scheduled", f"Successfully assigned {where} to {NODE}"
        )

    def _say_scaled(
        self, deployment: Object, pods: list[Object], start: int, stop: tuple[str, ...]
    ) -> None:
        current = template_hash(deployment["spec"]["template"])
        name = f"{deployment['metadata']['name']}-{current}"
        alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        new = sum(pod["metadata"]["labels"].get(HASH_LABEL) == current for pod in alive)
        if start:
            words = f"Scaled up replica set {name} from {new} to {new + start}"
            self._events.record(deployment, "Normal", "ScalingReplicaSet", words)
        by_hash: dict[str, list[str]] = {}
        for pod in alive:
            label = pod["metadata"]["labels"].get(HASH_LABEL, "")
            by_hash.setdefault(label, []).append(pod["metadata"]["name"])
        for label, names in by_hash.items():
            if gone := len(set(names) & set(stop)):
                words = (
                    f"Scaled down replica set {deployment['metadata']['name']}-{label} "
                    f"from {len(names)} to {len(names) - gone}"
                )
                self._events.record(deployment, "Normal", "ScalingReplicaSet", words)


def _owner(metadata: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
