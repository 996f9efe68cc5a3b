"""The life of a Secret that was made for deployments: shared by them, and gone with the last.

Who deploys and who removes may be two machines, and nothing locks. So each writes and then looks
again: a deployment looks whether its Secret is still there after it named it, and a removal whether
anybody named the Secret after it is gone. Of two that cross, the later look sees the earlier write,
and brings the Secret back. A removal takes only what it looked at (uid and resourceVersion), so
freshly written credentials are never lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from seldon_deployer import naming
from seldon_deployer.cluster import SECRETS, SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.deployer.credentials import StorageCredentials
from seldon_deployer.deployer.preflight import is_ours
from seldon_deployer.deployer.references import secret_references
from seldon_deployer.deployer.secret import apply_secret, bare_secret
from seldon_deployer.errors import ClusterError, Conflict, NotFound
from seldon_deployer.secrets import build_secret

log = logging.getLogger(__name__)

# Who takes this label off, or applies the Secret by hand, keeps it for good.
MADE_FOR_LABEL = "seldon-deployer/made-for"
MADE_FOR_DEPLOYMENTS = "deployments"
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """A Secret of ours that a deployment relies on.

    before: as it was when the deployment began, None where there was none. after: as it is now.
    """

    before: Object | None = field(repr=False)
    after: Object = field(repr=False)

    @property
    def name(self) -> str:
        """The Secret's name."""
        return str(self.after["metadata"]["name"])


def make_secret(cluster: Cluster, made_from: StorageCredentials) -> Kept:
    """Make or refresh the Secret of these credentials.

    One that was applied by hand is refreshed and stays one. Raises OwnershipError for a Secret of
    somebody else.
    """
    before = cluster.get(SECRETS, made_from.name)
    secret = build_secret(made_from.name, cluster.namespace, made_from.credentials)
    if before is None or is_for_deployments(before):
        secret["metadata"]["labels"][MADE_FOR_LABEL] = MADE_FOR_DEPLOYMENTS
    return Kept(before, apply_secret(cluster, secret))


def keep_secret(cluster: Cluster, kept: Object) -> None:
    """Bring a Secret back that was removed with its last user while a deployment came to name it.

    kept: the Secret as it was read or made. To be called after the deployment was applied.
    """
    if is_for_deployments(kept) and cluster.get(SECRETS, kept["metadata"]["name"]) is None:
        _put_back(cluster, kept)


def restore_secret(cluster: Cluster, kept: Kept) -> None:
    """Undo `make_secret` after its deployment failed and was undone.

    A new Secret goes, unless somebody else uses it by now; a refreshed one gets its old values
    back, unless it was refreshed again.
    """
    try:
        if kept.before is None:
            release_secrets(cluster, [kept.name])
        elif kept.before.get("data") != kept.after.get("data"):
            version = kept.after["metadata"]["resourceVersion"]
            cluster.apply(SECRETS, _written(kept.before, resourceVersion=version))
            log.info("the Secret %s has its values of before again", kept.name)
    except (Conflict, NotFound):
        log.info("the Secret %s was changed meanwhile and stays as it is", kept.name)
    except ClusterError as error:
        log.warning("the Secret %s keeps the values of the failed deployment: %s", kept.name, error)


def release_secrets(cluster: Cluster, names: Iterable[str]) -> None:
    """Remove those Secrets that were made for deployments and that none names any more.

    Never raises what the cluster says: what used the Secret is gone already, so it is a warning
    instead, for credentials that stay are somebody's to remove.
    """
    for name in sorted(set(names)):
        try:
            _release(cluster, name)
        except ClusterError as error:
            log.warning("the Secret %s stays: %s", name, error)


def is_for_deployments(secret: Object) -> bool:
    """Whether it is ours, and goes with the last deployment that uses it."""
    labels = secret["metadata"].get("labels") or {}
    return is_ours(secret) and labels.get(MADE_FOR_LABEL) == MADE_FOR_DEPLOYMENTS


def _release(cluster: Cluster, name: str) -> None:
    for _ in range(_ATTEMPTS):
        live = cluster.get(SECRETS, name)
        if live is None or not is_for_deployments(live) or _is_named(cluster, name):
            return
        metadata = live["metadata"]
        try:
            cluster.delete(SECRETS, name, uid=metadata["uid"], version=metadata["resourceVersion"])
        except NotFound:
            return
        except Conflict:
            # Somebody wrote it between our looks, perhaps for a deployment to come.
            continue
        if _is_named(cluster, name):
            _put_back(cluster, live)
        else:
            log.info("the Secret %s is removed: no deployment uses it any more", name)
        return
    log.info("the Secret %s stays: it is being written again and again", name)


def _is_named(cluster: Cluster, name: str) -> bool:
    """Whether any SeldonDeployment of the namespace, ours or not, names the Secret anywhere."""
    found, _ = cluster.list(SELDON_DEPLOYMENTS)
    return any(
        reference.name == name
        for each in found
        if not each["metadata"].get("deletionTimestamp")
        for reference in secret_references(each)
    )


def _put_back(cluster: Cluster, secret: Object) -> None:
    """Make a Secret again as it was; whatever somebody else made of that name meanwhile wins."""
    name = secret["metadata"]["name"]
    try:
        made = cluster.create(SECRETS, bare_secret(_written(secret)))["metadata"]
        again = _written(secret, uid=made["uid"], resourceVersion=made["resourceVersion"])
        cluster.apply(SECRETS, again)
    except (Conflict, NotFound):
        log.debug("the Secret %s is back already", name)
        return
    log.info("the Secret %s is back: a deployment came to use it", name)


def _written(secret: Object, **metadata: str) -> Object:
    """What we applied of a Secret, ready to be applied again."""
    head = secret["metadata"]
    labels = {
        key: value
        for key, value in (head.get("labels") or {}).items()
        if key in (naming.MANAGED_BY_LABEL, MADE_FOR_LABEL)
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": head["name"],
            "namespace": head["namespace"],
            "labels": labels,
            **metadata,
        },
        "type": secret.get("type", "Opaque"),
        "data": secret.get("data") or {},
    }
