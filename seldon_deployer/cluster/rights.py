"""Which rights are missing, asked of the API server before they are needed.

Most are missed by a read before the first write. A watch comes after it: without the right to, what
was written would be left behind, with nobody to wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seldon_deployer.cluster.client import Cluster
from seldon_deployer.cluster.resources import DEPLOYMENTS, SELDON_DEPLOYMENTS, Object, Resource
from seldon_deployer.errors import ClusterError, PermissionDenied

Right = tuple[str, Resource]

_REVIEWS = Resource(
    "authorization.k8s.io",
    "v1",
    "selfsubjectrulesreviews",
    "SelfSubjectRulesReview",
    namespaced=False,
)
TO_WAIT: tuple[Right, ...] = (("watch", SELDON_DEPLOYMENTS), ("watch", DEPLOYMENTS))
TO_SEE_IT_GO: tuple[Right, ...] = TO_WAIT[:1]
_USED: Right = ("get", SELDON_DEPLOYMENTS)


def check_may_wait(cluster: Cluster, needed: Iterable[Right] = TO_WAIT) -> None:
    """Raise PermissionDenied where the API server is certain that we may not watch a deployment.

    To be called once one was read, and before it is written.
    """
    missing = find_missing(_review(cluster), needed)
    if not missing:
        return
    told = " and ".join(f"{verb} {resource.plural}" for verb, resource in missing)
    raise PermissionDenied(
        f"not allowed to {told} in namespace {cluster.namespace}",
        why="so nobody could tell when it is done, and no deployment was changed",
        hint=f"ask for the role that `seldon-deployer rbac -n {cluster.namespace}` prints",
        status=403,
    )


def find_missing(told: Object, needed: Iterable[Right]) -> list[Right]:
    """Those of the rights that are not among what the API server told (a review's status).

    None where it does not tell all: rights may come from where no rule is known of, and then one
    that was used is not among them either.
    """
    rules = told.get("resourceRules") or []
    if told.get("incomplete") or not _is_granted(rules, _USED):
        return []
    return [each for each in needed if not _is_granted(rules, each)]


def _review(cluster: Cluster) -> Object:
    review = {
        "apiVersion": _REVIEWS.api_version,
        "kind": _REVIEWS.kind,
        "spec": {"namespace": cluster.namespace},
    }
    try:
        return cluster.create(_REVIEWS, review).get("status") or {}
    except ClusterError:
        # Nobody has to answer that.
        return {}


def _is_granted(rules: Iterable[Mapping[str, Any]], right: Right) -> bool:
    """Whether a rule gives the right; one on single names may give what is asked for."""
    verb, resource = right
    return any(
        {verb, "*"} & set(rule.get("verbs") or [])
        and {resource.group, "*"} & set(rule.get("apiGroups") or [])
        and {resource.plural, "*"} & set(rule.get("resources") or [])
        for rule in rules
    )
