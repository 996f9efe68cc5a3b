"""From a plan to a SeldonDeployment that serves, with the Secret that it needs made before."""

from __future__ import annotations

from collections.abc import Callable

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.cluster.rights import check_may_wait
from seldon_deployer.deployer.end import End, make_namespace
from seldon_deployer.deployer.owners import tell_owners, tell_taking
from seldon_deployer.deployer.plan import Plan
from seldon_deployer.deployer.references import storage_secrets
from seldon_deployer.deployer.settle import OnFailure, settle
from seldon_deployer.deployer.shared_secret import (
    Kept,
    keep_secret,
    make_secret,
    release_secrets,
    restore_secret,
)
from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.manifest.revision import revisions

Tell = Callable[[str], None]


def carry_out(
    end: End,
    plan: Plan,
    *,
    timeout_seconds: float,
    started: float,
    on_failure: OnFailure,
    tell: Tell,
) -> Object:
    """Send what was planned, wait until it serves, and return it as it is then.

    A Secret that was made for it goes, or gets its old values back, when it fails and is undone;
    one that it no longer names goes with its last user. Raises what `settle` raises, and
    ClusterError.
    """
    if not end.is_local:
        check_may_wait(end.cluster)
    make_namespace(end)
    kept = None if plan.made_from is None else make_secret(end.cluster, plan.made_from)
    try:
        applied = _apply(end.cluster, plan, kept, tell)
        live = settle(
            end,
            applied,
            plan.before,
            timeout_seconds=timeout_seconds,
            started=started,
            on_failure=on_failure,
            tell=tell,
        )
    except SeldonDeployerError:
        if kept is not None and not _stays(end.cluster, plan.manifest):
            restore_secret(end.cluster, kept)
        raise
    if plan.before.existing is not None:
        left = storage_secrets(plan.before.existing) - storage_secrets(live)
        release_secrets(end.cluster, left)
    return live


def _apply(cluster: Cluster, plan: Plan, kept: Kept | None, tell: Tell) -> Object:
    if plan.force and plan.before.existing is not None:
        tell_taking(cluster, plan.manifest, tell)
    applied = cluster.apply(SELDON_DEPLOYMENTS, plan.manifest, force=plan.force)
    secret = plan.secret if kept is None else kept.after
    if secret is not None:
        keep_secret(cluster, secret)
    tell(_what_changed(plan.before.existing, applied))
    tell_owners(plan.before.existing, applied, tell)
    return applied


def _stays(cluster: Cluster, manifest: Object) -> bool:
    """Whether a deployment that failed was left as it was applied, or nobody can tell."""
    try:
        live = cluster.get(SELDON_DEPLOYMENTS, manifest["metadata"]["name"])
    except SeldonDeployerError:
        return True
    return live is not None and revisions(live) == revisions(manifest)


def _what_changed(existing: Object | None, applied: Object) -> str:
    name = applied["metadata"]["name"]
    if existing is None:
        return f"created {name}, waiting until it serves"
    if existing["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"]:
        return f"{name} is unchanged"
    return f"updated {name}, waiting until it serves"
