"""Make a Secret as wanted, unless it is somebody else's."""

from __future__ import annotations

import logging

from seldon_deployer import naming
from seldon_deployer.cluster import SECRETS, Cluster, Object
from seldon_deployer.deployer.preflight import is_ours
from seldon_deployer.errors import Conflict, OwnershipError

log = logging.getLogger(__name__)

# How often somebody else may make or remove it while we are at it.
_ATTEMPTS = 4


def apply_secret(
    cluster: Cluster, secret: Object, *, force: bool = False, dry_run: bool = False
) -> Object:
    """Create a Secret, or make our own say what `secret` says; keys that it lacks now go.

    force: take keys that other managers changed; never a Secret that is not ours.
    dry_run: let the API say what it would do, and write nothing.
    Raises OwnershipError for a Secret without our label, Conflict, or what the cluster raises.
    """
    name = secret["metadata"]["name"]
    for _ in range(_ATTEMPTS - 1):
        live = cluster.get(SECRETS, name)
        try:
            return write_secret(cluster, secret, live, force=force, dry_run=dry_run)
        except Conflict:
            if _is_still(live, cluster.get(SECRETS, name)):
                raise
            # Another deployment makes the same Secret, or removed it with its last user.
            log.debug("the Secret %s came or went meanwhile: looking again", name)
    live = cluster.get(SECRETS, name)
    return write_secret(cluster, secret, live, force=force, dry_run=dry_run)


def write_secret(
    cluster: Cluster,
    secret: Object,
    live: Object | None,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Object:
    """Write it over `live`, which was read a moment ago; Conflict when that is another by now."""
    name = secret["metadata"]["name"]
    before = "" if live is None else live["metadata"]["resourceVersion"]
    if live is None and not dry_run:
        # An apply would merge into what somebody else makes at this moment; a create fails.
        live = cluster.create(SECRETS, bare_secret(secret))
    wanted = secret
    if live is not None:
        check_secret_ours(live, cluster.namespace)
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


def bare_secret(secret: Object) -> Object:
    """A Secret to be created, and then applied: it says no more than whose it is.

    What a create has written stays when an apply leaves it out.
    """
    metadata = secret["metadata"]
    labels = {naming.MANAGED_BY_LABEL: naming.FIELD_MANAGER}
    head = {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels}
    return {**secret, "metadata": head, "data": {}}


def check_secret_ours(live: Object, namespace: str) -> None:
    """Raise OwnershipError for a Secret without our label."""
    name = live["metadata"]["name"]
    if not is_ours(live):
        raise OwnershipError(
            f"the Secret {name} in namespace {namespace} exists and is not ours",
            why=f"it has no label {naming.MANAGED_BY_LABEL}={naming.FIELD_MANAGER}",
            hint="choose another name; one that holds the right keys is used as it is by naming it "
            "in secret_name",
        )


def _is_still(live: Object | None, now: Object | None) -> bool:
    """Whether both are one Secret, or both none."""
    uids = [None if each is None else each["metadata"]["uid"] for each in (live, now)]
    return uids[0] == uids[1]


def _what_happened(before: str, applied: Object, *, dry_run: bool) -> str:
    if dry_run:
        return "would be accepted; this was a dry run"
    if not before:
        return "is created"
    return "is unchanged" if applied["metadata"]["resourceVersion"] == before else "is updated"
