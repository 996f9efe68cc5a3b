"""When a SeldonDeployment serves what was asked, as a pure function.

Seldon's status has no observed generation, and its `Available` may be that of the previous
revision or of the middle of a rollout. So the Deployments decide, by the revision that our
manifest stamps on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from seldon_deployer.manifest.diagnosis import Diagnosis, diagnose
from seldon_deployer.manifest.expected import ExpectedDeployment, expected_deployments
from seldon_deployer.manifest.observation import (
    Object,
    Observation,
    template_revision,
)
from seldon_deployer.manifest.revision import revisions


@dataclass(frozen=True)
class Ready:
    """Every pod that serves is of the wanted revision. `is_stopped`: none was wanted."""

    is_stopped: bool = False


@dataclass(frozen=True)
class NotYet:
    """It may still come; `diagnosis` is what looks wrong so far, if anything does."""

    reason: str
    diagnosis: Diagnosis | None = None


def assess(wanted: Object, observed: Observation) -> Ready | NotYet | Diagnosis:
    """Say whether `wanted` (as the API answered our apply) serves; a Diagnosis is final.

    Ready means: every Deployment that the operator makes of `wanted` is there, carries its
    predictor's revision, is observed at its generation and has exactly the wanted replicas, all
    updated, ready and available; no Deployment that was replaced is left; and the state is
    Available. With zero replicas wanted the operator stays at Creating for ever, so the state is
    not asked for then.
    """
    ended = _ended(wanted, observed)
    if ended is not None:
        return ended
    # Whoever scales while we wait is followed; an older state than our own never is.
    live = observed.deployment
    target = live if live is not None and _generation(live) >= _generation(wanted) else wanted
    missing = _missing(expected_deployments(target), observed)
    if missing is None:
        return Ready(is_stopped=all(_is_zero(each) for each in observed.owned_deployments()))
    diagnosis = diagnose(target, observed)
    if diagnosis is not None and diagnosis.conclusive:
        return diagnosis
    return NotYet(missing, diagnosis)


def _ended(wanted: Object, observed: Observation) -> Diagnosis | None:
    """Somebody deleted or replaced what we wait for."""
    name = wanted["metadata"]["name"]
    live = observed.deployment
    uid = wanted["metadata"].get("uid")
    if (
        live is None
        or live["metadata"].get("deletionTimestamp")
        or (uid is not None and live["metadata"].get("uid") != uid)
    ):
        return Diagnosis(
            kind="deleted",
            summary=f"{name} was deleted while it was being deployed",
            why="somebody else removed the SeldonDeployment",
            hint="deploy again",
            conclusive=True,
        )
    newer = _generation(live) > _generation(wanted)
    if newer and revisions(live) != revisions(wanted):
        return Diagnosis(
            kind="superseded",
            summary=f"{name} was changed by somebody else while it was being deployed",
            why="the live SeldonDeployment carries another revision than ours",
            hint="look at it with `kubectl get sdep -o yaml --show-managed-fields`, then "
            "deploy again",
            conclusive=True,
        )
    return None


def _missing(expected: dict[str, ExpectedDeployment], observed: Observation) -> str | None:
    """What is still missing, in a sentence; None when nothing is."""
    owned = {each["metadata"]["name"]: each for each in observed.owned_deployments()}
    for name, each in expected.items():
        if name not in owned:
            return f"waiting for Seldon to make {name}"
        lag = _lag(owned[name], each)
        if lag is not None:
            return f"{name}: {lag}"
    for name in owned:
        if name not in expected:
            return f"waiting for the pods of the version before to end ({name})"
    if all(_is_zero(each) for each in owned.values()):
        return None
    if observed.state != "Available":
        return (
            f"all pods are ready, waiting for Seldon, which says {observed.state or 'nothing yet'}"
        )
    return None


def _lag(deployment: Object, expected: ExpectedDeployment) -> str | None:
    """What keeps one Deployment from being wholly at the wanted revision and size."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    status = deployment.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "it is being deleted"
    if expected.revision is not None and template_revision(deployment) != expected.revision:
        return "waiting for Seldon to update it"
    if status.get("observedGeneration") != metadata.get("generation"):
        return "waiting for its pods to be made"
    size = int(spec.get("replicas", 1))
    if expected.replicas is not None and size != expected.replicas:
        return f"waiting for Seldon to ask for {_pods(expected.replicas)}"
    # All four the same leaves no room for a pod of an older revision, nor for an unready one.
    counts = [
        int(status.get(key) or 0)
        for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    ]
    if counts != [size] * 4 or status.get("unavailableReplicas"):
        replicas, updated, ready, _ = counts
        return f"{ready} of {_pods(size)} ready" + _left_over(size, replicas, updated)
    return None


def _left_over(size: int, replicas: int, updated: int) -> str:
    old = max(replicas - updated, 0)
    told = "" if updated >= size else f", {updated} of the new version"
    return told + (f", {old} of the version before not ended" if old else "")


def _pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"


def _is_zero(deployment: Object) -> bool:
    return int(deployment["spec"].get("replicas", 1)) == 0


def _generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation") or 0)
