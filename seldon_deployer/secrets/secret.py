"""The Kubernetes Secret that Seldon's initializer takes as its environment."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from typing import Any

from seldon_deployer.naming import FIELD_MANAGER, MANAGED_BY_LABEL
from seldon_deployer.secrets.credentials import Credentials

Object = dict[str, Any]

REDACTED = "<redacted>"
# kubectl apply keeps all that it was given here, values too.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def build_secret(name: str, namespace: str, credentials: Credentials) -> Object:
    """The Secret with rclone's RCLONE_CONFIG_* keys; its values are readable to whoever has it."""
    environment = credentials.environment()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: FIELD_MANAGER},
        },
        "type": "Opaque",
        # Never stringData: it would stay in the fields that we manage, beside what it became.
        "data": {
            key: b64encode(value.get_secret_value().encode()).decode()
            for key, value in environment.items()
        },
    }


def redacted(secret: Object) -> Object:
    """A copy of a Secret to be shown: its keys, and no value."""
    shown = deepcopy(secret)
    for part in ("data", "stringData"):
        if shown.get(part):
            shown[part] = dict.fromkeys(shown[part], REDACTED)
    annotations = shown.get("metadata", {}).get("annotations") or {}
    if _LAST_APPLIED in annotations:
        annotations[_LAST_APPLIED] = REDACTED
    return shown
