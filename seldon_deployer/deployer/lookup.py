"""Finding what is deployed, by model name or resource name; and taking it away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from seldon_deployer import naming
from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.deployer.preflight import is_ours
from seldon_deployer.deployer.references import storage_secrets
from seldon_deployer.deployer.shared_secret import release_secrets
from seldon_deployer.errors import DeploymentTimeout, NotFound, OwnershipError

log = logging.getLogger(__name__)


def list_ours(
    cluster: Cluster,
    *,
    model_name: str | None = None,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[Object]:
    """What this package deployed to the namespace: all, or what may match. One LIST.

    The label of a model name may hold a shortened one: the annotation holds the whole.
    """
    wanted = {**(labels or {}), naming.MANAGED_BY_LABEL: naming.FIELD_MANAGER}
    if model_name is not None:
        wanted[naming.MODEL_NAME_LABEL] = naming.label_value(model_name)
    found, _ = cluster.list(
        SELDON_DEPLOYMENTS,
        label_selector=naming.label_selector(wanted),
        field_selector=f"metadata.name={name}" if name is not None else "",
    )
    return found


def find_live(cluster: Cluster, name: str, *, ours: bool = False) -> Object:
    """The SeldonDeployment with that resource name or model name.

    Raises NotFound, and with `ours` OwnershipError for a resource of somebody else.
    """
    live = cluster.get(SELDON_DEPLOYMENTS, name) if naming.is_dns_label(name) else None
    if live is None and (resource := naming.resource_name(name)) != name:
        # A model name may be a label too, and yet be served under another one: a long one is.
        live = cluster.get(SELDON_DEPLOYMENTS, resource)
    found = name if live is None else live["metadata"]["name"]
    where = f"{found} in namespace {cluster.namespace}"
    if live is None:
        raise NotFound(
            f"there is no SeldonDeployment {where}",
            hint="`seldon-deployer list` shows what there is",
            status=404,
        )
    if ours and not is_ours(live):
        raise OwnershipError(
            f"the SeldonDeployment {where} is not ours",
            why=f"it has no label {naming.MANAGED_BY_LABEL}={naming.FIELD_MANAGER}",
            hint="use kubectl, with which it was probably made",
        )
    return live


def remove(cluster: Cluster, live: Object, *, timeout_seconds: float) -> None:
    """Delete a SeldonDeployment, wait until it is gone, and take the Secrets it was the last for.

    Raises DeploymentTimeout when something holds it.
    """
    metadata = live["metadata"]
    watch = cluster.watch(
        SELDON_DEPLOYMENTS,
        field_selector=f"metadata.name={metadata['name']}",
        since=metadata["resourceVersion"],
        known=[live],
    )
    cluster.delete(SELDON_DEPLOYMENTS, metadata["name"], uid=metadata["uid"])
    alarm = threading.Timer(timeout_seconds, watch.close)
    alarm.start()
    try:
        for event in watch:
            if event.type == "DELETED" and event.object["metadata"]["uid"] == metadata["uid"]:
                log.info("%s is deleted", metadata["name"])
                release_secrets(cluster, storage_secrets(live))
                return
    finally:
        alarm.cancel()
        watch.close()
    raise DeploymentTimeout(
        f"{metadata['name']} is not gone after {timeout_seconds:g} s",
        why="a finalizer or a deletion in the foreground holds it",
        hint=f"kubectl get sdep {metadata['name']} -o yaml shows what it waits for",
    )
