"""What is looked at before the first write, and the rules that follow from what is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

from seldon_deployer import naming
from seldon_deployer.cluster import (
    DEPLOYMENTS,
    SELDON_DEPLOYMENTS,
    SERVICES,
    Cluster,
    Object,
    Resource,
)
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import InvalidName, ManifestError, OwnershipError
from seldon_deployer.manifest.build import needs_orchestrator
from seldon_deployer.manifest.expected import expected_deployments, expected_services
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.observation import owner_uid
from seldon_deployer.manifest.ownership import held_fields, other_owners
from seldon_deployer.manifest.verdict import judge
from seldon_deployer.service.observe import OPERATOR_LABEL

log = logging.getLogger(__name__)

Tell = Callable[[str], None]

# What is asked before anything is sent. What is certain to fail is always an error; what this
# machine cannot tell (a store it does not reach, a Secret it may not read) is a warning under
# `warn` and an error under `strict`. `off` asks neither the store nor the cluster.
Preflight = Literal["strict", "warn", "off"]


@dataclass(frozen=True)
class Before:
    """The live SeldonDeployment, if any, and the operator's Deployments of the namespace."""

    existing: Object | None
    deployments: list[Object]
    # The resourceVersion of that list: a watch goes on from it.
    version: str


def look_before(cluster: Cluster, name: str) -> Before:
    """Read what is there. Reading first also finds missing permissions before any write."""
    existing = cluster.get(SELDON_DEPLOYMENTS, name)
    deployments, version = cluster.list(DEPLOYMENTS, label_selector=OPERATOR_LABEL)
    return Before(existing, deployments, version)


def check_manifest(manifest: Object, *, ignore: Iterable[str] = ()) -> None:
    """Raise ManifestError with all that Seldon would reject, or accept and then fail on.

    ignore: names of rules of advice that are not asked. What Seldon would serve, though otherwise
    than one would think, goes to the log as warnings.
    """
    verdict = judge(manifest, ignore=ignore)
    if not verdict.is_valid:
        raise ManifestError(
            f"Seldon would not serve {verdict.name}",
            why="; ".join(verdict.problems),
            hint="correct the configuration",
        )
    for each in verdict.warnings:
        log.warning("%s: %s (%s)", each.field, each.message, each.reason)


def check_ours(existing: Object, model_name: str, *, adopt: bool) -> None:
    """Raise OwnershipError or InvalidName when the live resource is not this model's of ours."""
    metadata = existing["metadata"]
    where = f"{metadata['name']} in namespace {metadata['namespace']}"
    if not is_ours(existing):
        if adopt:
            return
        raise OwnershipError(
            f"the SeldonDeployment {where} exists and is not ours",
            why=f"it has no label {naming.MANAGED_BY_LABEL}={naming.FIELD_MANAGER}"
            + _told_managers(existing),
            hint="choose another model name, or take it over with --adopt (`diff --adopt` shows "
            "what that takes from whom)",
        )
    other = (metadata.get("annotations") or {}).get(naming.MODEL_NAME_ANNOTATION)
    if other is not None and other != model_name:
        raise InvalidName(
            f"the models {model_name!r} and {other!r} would share the name {where}",
            why=f"both names become {metadata['name']!r} in Kubernetes",
            hint="choose a model name that differs in letters or digits",
        )


def _told_managers(existing: Object) -> str:
    managers = {each.manager for each in held_fields(existing, naming.FIELD_MANAGER)}
    return f"; it was written by {', '.join(sorted(managers))}" if managers else ""


def is_ours(existing: Object) -> bool:
    """Whether this package created the resource."""
    labels = existing["metadata"].get("labels") or {}
    return bool(labels.get(naming.MANAGED_BY_LABEL) == naming.FIELD_MANAGER)


def check_nobody_elses(cluster: Cluster, manifest: Object, before: Before) -> None:
    """Raise OwnershipError for a Deployment or Service that Seldon's operator would replace.

    The operator deletes what has a wanted name without asking whose it is.
    """
    known = {each["metadata"]["name"]: each for each in before.deployments}
    for name in expected_deployments(manifest):
        found = known.get(name) or cluster.get(DEPLOYMENTS, name)
        _check_owner(found, DEPLOYMENTS, manifest)
    served = ((before.existing or {}).get("status") or {}).get("serviceStatus") or {}
    for name in expected_services(manifest):
        if name not in served:
            _check_owner(cluster.get(SERVICES, name), SERVICES, manifest)


def keep_own_pod(config: DeploymentConfig, existing: Object | None) -> DeploymentConfig:
    """The configuration with the orchestrator where it is: `auto` takes no pod away from it."""
    if existing is None or config.orchestrator != "auto" or not _is_separate(existing):
        return config
    return config.model_copy(update={"orchestrator": "separate"})


def choose_orchestrator(
    config: DeploymentConfig, implementation: str | None, existing: Object | None, tell: Tell
) -> bool:
    """Whether to deploy with the orchestrator: an existing deployment keeps its mode.

    Under `auto` only a unit that cannot do without brings it in. A change says what it costs.
    """
    wanted = needs_orchestrator(config, implementation)
    if existing is None:
        return wanted
    if _is_separate(existing) != (config.orchestrator == "separate"):
        moves = "gets" if config.orchestrator == "separate" else "loses"
        tell(
            f"the orchestrator {moves} a pod of its own: Seldon deletes all pods and makes them "
            "anew, so requests fail until they are ready"
        )
        return wanted
    first = next(iter(predictors(existing)), {})
    current = naming.NO_ENGINE_ANNOTATION not in (first.get("annotations") or {})
    if wanted == current or (current and config.orchestrator == "auto"):
        return current
    tell(
        f"the orchestrator {'comes back' if wanted else 'goes'}: Seldon switches the ports at "
        "once, so requests fail until the new pods are ready"
    )
    return wanted


def _is_separate(existing: Object) -> bool:
    annotations = existing["spec"].get("annotations") or {}
    return bool(annotations.get(naming.ENGINE_SEPARATE_ANNOTATION) == "true")


def tell_move(manifest: Object, existing: Object | None, tell: Tell) -> None:
    """Say what it costs where a manifest moves the orchestrator, brings it in or leaves it out."""
    if existing is None or _place_of_orchestrator(manifest) == _place_of_orchestrator(existing):
        return
    tell(
        f"the orchestrator is {_place_of_orchestrator(manifest)} now, and was "
        f"{_place_of_orchestrator(existing)}: requests fail until the new pods are ready"
    )


def _place_of_orchestrator(obj: Object) -> str:
    first = next(iter(predictors(obj)), {})
    if naming.NO_ENGINE_ANNOTATION in (first.get("annotations") or {}):
        return "left out"
    return "in a pod of its own" if _is_separate(obj) else "beside the unit"


def yield_replicas(manifest: Object, existing: Object | None, tell: Tell) -> Object:
    """Leave `spec.replicas` out where another manager (kubectl scale, an autoscaler) owns it."""
    if existing is None:
        return manifest
    owners = other_owners(existing, ("spec", "replicas"), naming.FIELD_MANAGER)
    if not owners:
        return manifest
    live = existing["spec"].get("replicas")
    if live != manifest["spec"]["replicas"]:
        count = f"{live} replica{'' if live == 1 else 's'}"
        tell(f"keeping {count}, set by {', '.join(owners)}; force takes them back")
    yielded = deepcopy(manifest)
    del yielded["spec"]["replicas"]
    return yielded


def _check_owner(found: Object | None, resource: Resource, manifest: Object) -> None:
    if found is None:
        return
    name = manifest["metadata"]["name"]
    for owner in found["metadata"].get("ownerReferences") or []:
        # By name: what a deleted SeldonDeployment of this name left may be on its way out.
        if owner.get("kind") == SELDON_DEPLOYMENTS.kind and owner.get("name") == name:
            return
    raise OwnershipError(
        f"deploying {name} would replace the {resource.kind} {found['metadata']['name']}",
        why="Seldon's operator needs that name and deletes whatever has it; it belongs to "
        + ("another owner" if owner_uid(found) else "somebody else"),
        hint=f"rename that {resource.kind}, or choose another model name",
    )
