"""Whose fields a deploy would meet, and whose it took or shares: asked of the API, and told.

Who else writes a SeldonDeployment (Argo CD, Helm, `kubectl apply`) goes on writing it: what was
taken from them comes back with their next sync, or theirs meets a conflict.
"""

from __future__ import annotations

from collections.abc import Callable

from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.errors import Conflict
from seldon_deployer.manifest.ownership import Held, describe_held, held_fields, shared_fields
from seldon_deployer.naming import FIELD_MANAGER

Tell = Callable[[str], None]


def find_conflicts(cluster: Cluster, manifest: Object) -> tuple[Held, ...]:
    """The fields that others own with another value than the manifest's; a dry run tells."""
    try:
        cluster.apply(SELDON_DEPLOYMENTS, manifest, dry_run=True)
    except Conflict as error:
        if not error.held:
            raise
        return tuple(Held(*each) for each in error.held)
    return ()


def newly_shared(before: Object | None, after: Object) -> tuple[Held, ...]:
    """The fields that an apply made ours too, beside others who own them with the same value."""
    if before is None:
        return ()
    shared = shared_fields(after, FIELD_MANAGER) - shared_fields(before, FIELD_MANAGER)
    return tuple(sorted(shared))


def tell_taking(cluster: Cluster, manifest: Object, tell: Tell) -> None:
    """Say, before it happens, what a forced apply takes from whom."""
    if conflicts := find_conflicts(cluster, manifest):
        tell(f"taking {describe_held(conflicts)}")


def tell_owners(before: Object | None, after: Object, tell: Tell) -> None:
    """Say what an apply took from whom, and what it shares with whom from now on."""
    if before is None:
        return
    if taken := held_fields(before, FIELD_MANAGER) - held_fields(after, FIELD_MANAGER):
        tell(
            f"took {describe_held(taken)}: whatever sets them there (a file that is applied, Argo "
            "CD, Helm) sets them back, or meets a conflict"
        )
    if shared := newly_shared(before, after):
        tell(
            f"shared from now on: {describe_held(shared)}; who changes one first has it, or meets "
            "a conflict"
        )


def tell_others(live: Object, tell: Tell) -> None:
    """Say, before it is deleted, who else writes a deployment."""
    held = held_fields(live, FIELD_MANAGER)
    if others := sorted({each.manager for each in held if each.field == ".spec.predictors"}):
        name = live["metadata"]["name"]
        tell(f"{name} is written by {', '.join(others)} too, from where it may be made again")
