"""The kubeconfig of a home: JSON, which is YAML too."""

from __future__ import annotations

import json

CONTEXT = "seldon-deployer-local"


def kubeconfig(port: int, token: str, namespace: str = "default") -> str:
    """The file's text for the API on that loopback port; as secret as a key.

    kubectl sends a user's token over TLS alone, but does send what stands in the URL, as basic
    authentication; other clients take the user's token.
    """
    server = f"http://token:{token}@127.0.0.1:{port}"
    return json.dumps(
        {
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
        },
        indent=2,
    )
