"""From an applied SeldonDeployment to one that serves, or to an error and its undoing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal, NoReturn

from seldon_deployer.cluster import Object
from seldon_deployer.deployer.end import End
from seldon_deployer.deployer.failure import capture, failure_of, undo
from seldon_deployer.deployer.preflight import Before
from seldon_deployer.deployer.probe import health_url, probe
from seldon_deployer.deployer.wait import Verdict, Waiting
from seldon_deployer.errors import DeploymentTimeout
from seldon_deployer.manifest.diagnosis import Diagnosis
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import Ready

log = logging.getLogger(__name__)

OnFailure = Literal["rollback", "keep"]
# Somebody else's doing: nothing of ours is left to be undone.
_DONE_BY_OTHERS = {"deleted", "superseded"}


def settle(
    end: End,
    applied: Object,
    before: Before,
    *,
    timeout_seconds: float,
    started: float,
    on_failure: OnFailure,
    tell: Callable[[str], None],
) -> Object:
    """Wait until `applied` serves, through its URL too if that is known; return it as it is then.

    started: when the time began to count, of time.monotonic.
    Raises DeploymentFailed or DeploymentTimeout, after undoing what did not serve unless
    `on_failure` is keep.
    """
    deadline = started + timeout_seconds
    name = applied["metadata"]["name"]
    waiting = Waiting(end.cluster, applied, before.deployments, before.version, tell)
    try:
        verdict, observed = waiting.until(deadline)
    except BaseException:
        # An error of the API, or Ctrl-C: it may well come up, so it is not undone.
        log.warning("%s stays as it was applied; nobody waits for it any more", name)
        raise
    if not isinstance(verdict, Ready) or observed.deployment is None:
        _fail(end, applied, before.existing, verdict, observed, on_failure, timeout_seconds)
    if verdict.is_stopped:
        tell(f"{name} is stopped: no replicas are wanted")
    else:
        _check_url(end, observed.deployment, deadline)
        tell(f"{name} is ready")
    return observed.deployment


def _fail(
    end: End,
    applied: Object,
    previous: Object | None,
    verdict: Verdict,
    observed: Observation,
    on_failure: OnFailure,
    timeout_seconds: float,
) -> NoReturn:
    observed = capture(end.cluster, applied, observed)
    name = applied["metadata"]["name"]
    if isinstance(verdict, Diagnosis) and verdict.kind in _DONE_BY_OTHERS:
        undone = "nothing was undone: it is no longer what we applied"
    elif on_failure == "keep":
        namespace = applied["metadata"]["namespace"]
        undone = f"kept for inspection: kubectl describe sdep {name} -n {namespace}"
    else:
        undone = undo(end.cluster, applied, previous)
    raise failure_of(applied, verdict, observed, timeout_seconds=timeout_seconds, undone=undone)


def _check_url(end: End, deployment: Object, deadline: float) -> None:
    """The pods are ready; the way to them must be too. It is not the model's fault if not."""
    if end.base_url is None:
        return
    url = health_url(end.base_url, deployment)
    # An update that took all the time there was still gets an answer or two.
    said = probe(url, deadline=max(deadline, time.monotonic() + 1))
    if said is not None:
        raise DeploymentTimeout(
            f"{deployment['metadata']['name']} is ready, but not reachable at its URL",
            why=f"{url}: {said}",
            hint="check base_url and the ingress; the deployment is left running",
        )
