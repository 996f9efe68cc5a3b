"""The kubeconfig of the embedded API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

Object = dict[str, Any]

CONTEXT = "seldon-deployer"


def build_kubeconfig(address: str, token: str, *, namespace: str = "default") -> Object:
    """Write how to reach `address` (http://127.0.0.1:PORT) with `token`.

    kubectl sends a user's token over TLS alone, but does send what stands in the URL, as basic
    authentication; other clients take the user's. The file that holds this is as secret as a key.
    """
    place = urlsplit(address)
    server = f"{place.scheme}://token:{token}@{place.netloc}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": server}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [
            {
                "name": CONTEXT,
                "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace},
            }
        ],
    }
