"""Make a Secret as wanted, unless it is somebody else's."""

from __future__ import annotations

import logging

from seldon_deployer import naming
from seldon_deployer.cluster import SECRETS, Cluster, Object
from seldon_deployer.deployer.preflight import is_ours
from seldon_deployer.errors import OwnershipError

log = logging.getLogger(__name__)


def apply_secret(
    cluster: Cluster, secret: Object, *, force: bool = False, dry_run: bool = False
) -> Object:
    """Create a Secret, or make our own say what `secret` says; keys that it lacks now go.

    force: take keys that other managers changed; never a Secret that is not ours.
    dry_run: let the API say what it would do, and write nothing.
    Raises OwnershipError for a Secret without our label, Conflict, or what the cluster raises.
    """
    name = secret["metadata"]["name"]
    live = cluster.get(SECRETS, name)
    before = "" if live is None else live["metadata"]["resourceVersion"]
    if live is None and not dry_run:
        # An apply would merge into what somebody else makes at this moment; a create fails.
        live = cluster.create(SECRETS, {**secret, "data": {}})
    wanted = secret
    if live is not None:
        _check_ours(live, cluster.namespace)
        # Not the one that somebody makes in its place either.
        uid = {"uid": live["metadata"]["uid"]}
        wanted = {**secret, "metadata": {**secret["metadata"], **uid}}
    applied = cluster.apply(SECRETS, wanted, force=force, dry_run=dry_run)
    log.info(
        "the Secret %s in namespace %s %s",
        name,
        cluster.namespace,
        _what_happened(before, applied, dry_run=dry_run),
    )
    return applied


def _check_ours(live: Object, namespace: str) -> None:
    name = live["metadata"]["name"]
    if not is_ours(live):
        raise OwnershipError(
            f"the Secret {name} in namespace {namespace} exists and is not ours",
            why=f"it has no label {naming.MANAGED_BY_LABEL}={naming.FIELD_MANAGER}",
            hint="choose another name; one that holds the right keys is used as it is by naming it "
            "in secret_name",
        )


def _what_happened(before: str, applied: Object, *, dry_run: bool) -> str:
    if dry_run:
        return "would be accepted; this was a dry run"
    if not before:
        return "is created"
    return "is unchanged" if applied["metadata"]["resourceVersion"] == before else "is updated"
