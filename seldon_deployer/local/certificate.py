"""The TLS certificate of a predictor, as the operator mounts it into its pods.

The gateway, like an ingress, takes requests without it. Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_VOLUME = "seldon-cert-volume"
_MOUNT = "/cert/"
_VARIABLE = "SELDON_CERT_MOUNT_PATH"


def add_certificate(pod: Object, predictor: Object) -> None:
    """Mount the Secret of `ssl`, where a predictor has one, into each container, in place."""
    secret = _secret_of(predictor)
    if not secret:
        return
    source = {"secretName": secret, "defaultMode": 420}
    pod.setdefault("volumes", []).append({"name": _VOLUME, "secret": source})
    for container in pod["containers"]:
        mount = {"name": _VOLUME, "readOnly": True, "mountPath": _MOUNT}
        container.setdefault("volumeMounts", []).append(mount)
        container.setdefault("env", []).append({"name": _VARIABLE, "value": _MOUNT})


def scheme(predictor: Object) -> str:
    """How the kubelet asks the orchestrator whether it is ready."""
    return "HTTPS" if _secret_of(predictor) else "HTTP"


def _secret_of(predictor: Object) -> str:
    return str((predictor.get("ssl") or {}).get("certSecretName") or "")
