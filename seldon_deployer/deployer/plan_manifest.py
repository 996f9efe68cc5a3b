"""What deploying a manifest of the user's would apply: checked as one of ours, and as it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seldon_deployer import naming
from seldon_deployer.cluster import Cluster
from seldon_deployer.deployer import preflight as checks
from seldon_deployer.deployer.ask_around import Asking
from seldon_deployer.deployer.interpreter import interpreter
from seldon_deployer.deployer.plan import Plan
from seldon_deployer.deployer.preflight import Preflight, look_before
from seldon_deployer.deployer.restart import keep_restarts
from seldon_deployer.manifest.given import complete_given, give_replicas, read_given

log = logging.getLogger(__name__)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ManifestWish:
    """What `deploy_manifest` is asked for; its arguments tell what each means."""

    manifest: Mapping[str, Any]
    preflight: Preflight = "warn"
    ignore: tuple[str, ...] = ()
    force: bool = False
    adopt: bool = False


def plan_manifest(
    cluster: Cluster,
    wish: ManifestWish,
    *,
    is_local: bool,
    tell: Tell,
    volumes: Path | None = None,
) -> Plan:
    """Look at what is there, and at what the manifest names, and say what to apply.

    Raises ManifestError, StorageError, OwnershipError, InvalidName or ClusterError.
    """
    asking = Asking(
        cluster,
        is_local=is_local,
        preflight=wish.preflight,
        ignore=wish.ignore,
        volumes=volumes,
    )
    given = read_given(wish.manifest, namespace=cluster.namespace)
    before = look_before(cluster, given["metadata"]["name"])
    given = give_replicas(given, before.existing)
    checks.check_manifest(given, ignore=wish.ignore)
    _warn_of_label(given)
    python = interpreter() if is_local else None
    manifest = complete_given(given, before.existing, python=python)
    if before.existing is not None:
        model_name = manifest["metadata"]["annotations"][naming.MODEL_NAME_ANNOTATION]
        checks.check_ours(before.existing, model_name, adopt=wish.adopt)
    manifest = keep_restarts(manifest, before.existing)
    asking.check_cluster(manifest)
    asking.check_stores(manifest)
    checks.check_nobody_elses(cluster, manifest, before)
    checks.tell_move(manifest, before.existing, tell)
    if not wish.force:
        manifest = checks.yield_replicas(manifest, before.existing, tell)
    is_taken_over = before.existing is not None and not checks.is_ours(before.existing)
    return Plan(manifest, before, wish.force or is_taken_over)


def _warn_of_label(given: Mapping[str, Any]) -> None:
    """The one label that cannot stay as it was written: by it we know what is ours."""
    theirs = (given["metadata"].get("labels") or {}).get(naming.MANAGED_BY_LABEL)
    if theirs not in (None, naming.FIELD_MANAGER):
        log.warning(
            "the label %s becomes %s, and is %s in the manifest: %s may no longer take it for its "
            "own",
            naming.MANAGED_BY_LABEL,
            naming.FIELD_MANAGER,
            theirs,
            theirs,
        )
