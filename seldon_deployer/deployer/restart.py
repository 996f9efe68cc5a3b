"""Bring the present values of a Secret to the deployments that use it: a new revision of each.

The initializer reads the Secret when a pod starts, so pods that run know nothing of new values. The
Secret's resourceVersion, behind the revision that a predictor is stamped with, makes it another
revision: `0f3a9c1e5b7d2468.1734`. It tells no value.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from seldon_deployer import naming
from seldon_deployer.cluster import SELDON_DEPLOYMENTS, Object
from seldon_deployer.cluster.rights import check_may_wait
from seldon_deployer.deployer.end import End
from seldon_deployer.deployer.preflight import is_ours, look_before
from seldon_deployer.deployer.references import storage_secrets
from seldon_deployer.deployer.settle import settle
from seldon_deployer.errors import Conflict, DeploymentError, DeploymentFailed
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.ownership import owned_fields

log = logging.getLogger(__name__)

Tell = Callable[[str], None]

_MARK = "."


def restart_users(end: End, secret: Object, *, timeout_seconds: float, tell: Tell) -> list[str]:
    """Start the pods of all deployments of ours that name the Secret anew, and wait for them.

    Returns their names. One that fails goes back to what it was and does not stop the others;
    then the first failure is raised, with those of the others in its report. `timeout_seconds` is
    for each.
    """
    name, version = secret["metadata"]["name"], str(secret["metadata"]["resourceVersion"])
    found, _ = end.cluster.list(SELDON_DEPLOYMENTS)
    restarted, failures = [], []
    for live in found:
        if name not in storage_secrets(live):
            continue
        own = live["metadata"]["name"]
        if not is_ours(live):
            log.warning("%s uses the Secret %s and is not ours: its pods stay", own, name)
            continue
        tell(f"restarting {own} with the Secret {name}")
        try:
            _restart(end, live, name, version, timeout_seconds, tell)
        except DeploymentError as error:
            failures.append(error)
        except Conflict as error:
            failures.append(DeploymentFailed(error.what, why=error.why, hint=error.hint))
        else:
            restarted.append(own)
    if failures:
        first, *others = failures
        first.report = (*first.report, *(str(each) for each in others))
        raise first
    return restarted


def with_secret_version(live: Object, secret: str, version: str) -> Object:
    """What we applied of a deployment, where predictors that name the Secret are a new revision.

    With the predictors whoever owns them: where that is somebody else, to apply it is a conflict.
    """
    manifest: Object = deepcopy(owned_fields(live, naming.FIELD_MANAGER))
    spec = manifest.setdefault("spec", {})
    spec.setdefault("predictors", deepcopy(live["spec"]["predictors"]))
    for predictor in predictors(manifest):
        if secret in _secrets_of(predictor):
            _stamp(predictor, version)
    return manifest


def keep_restarts(manifest: Object, existing: Object | None) -> Object:
    """Carry restarts over to the manifest of an update: without them it would restart once more.

    A predictor that names another Secret by now begins anew.
    """
    notes = {
        predictor["name"]: (_secrets_of(predictor), version)
        for predictor in predictors(existing or {})
        if (version := _revision(predictor).partition(_MARK)[2])
    }
    if not notes:
        return manifest
    kept = deepcopy(manifest)
    for predictor in predictors(kept):
        secrets, version = notes.get(predictor["name"], (set(), ""))
        if secrets & _secrets_of(predictor):
            _stamp(predictor, version)
    return kept


def _stamp(predictor: Object, version: str) -> None:
    own = _revision(predictor).partition(_MARK)[0]
    predictor.setdefault("annotations", {})[naming.REVISION_ANNOTATION] = f"{own}{_MARK}{version}"


def _revision(predictor: Object) -> str:
    return str((predictor.get("annotations") or {}).get(naming.REVISION_ANNOTATION) or "")


def _restart(
    end: End, live: Object, secret: str, version: str, timeout_seconds: float, tell: Tell
) -> None:
    started = time.monotonic()
    before = look_before(end.cluster, live["metadata"]["name"])
    current = before.existing
    if current is None or secret not in storage_secrets(current):
        # Deleted, or updated to another Secret, since it was listed.
        return
    if not end.is_local:
        check_may_wait(end.cluster)
    applied = end.cluster.apply(SELDON_DEPLOYMENTS, with_secret_version(current, secret, version))
    settle(
        end,
        applied,
        before,
        timeout_seconds=timeout_seconds,
        started=started,
        on_failure="rollback",
        tell=tell,
    )


def _secrets_of(predictor: Object) -> set[str]:
    whole: dict[str, Any] = {"spec": {"predictors": [predictor]}}
    return storage_secrets(whole)
