"""Service accounts: pods are refused without theirs, and each namespace has one named `default`.

On a cluster, an admission plugin and a controller of Kubernetes do this. Accounts give pods no
identity here: they read their models as this machine does.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.local.objects import PODS, SERVICE_ACCOUNTS
from seldon_deployer.local.status import forbidden
from seldon_deployer.local.store import Key, Store

Object = dict[str, Any]

DEFAULT_ACCOUNT = "default"
# Who makes it.
MANAGER = "kube-controller-manager"


def account_key(namespace: str, name: str = DEFAULT_ACCOUNT) -> Key:
    """Where an account lies."""
    return Key(SERVICE_ACCOUNTS.qualified, namespace, name)


def check_account(store: Store, pod: Object) -> None:
    """Raise ApiError 403 for a new pod whose service account is not there."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    # The older name of the field is still taken.
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT_ACCOUNT
    namespace = metadata["namespace"]
    if store.get(account_key(namespace, name)) is None:
        why = f'serviceaccount "{name}" not found'
        # Its name is made later than it is looked at.
        asked = metadata.get("generateName") or metadata["name"]
        told = f"error looking up service account {namespace}/{name}: {why}"
        raise forbidden(PODS, asked, told)
