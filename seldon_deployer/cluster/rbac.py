"""The least permissions that deploying needs, as a manifest to apply."""

from __future__ import annotations

from importlib.resources import files

_NAMESPACE_LINE = "namespace: models\n"


def rbac_manifest(namespace: str) -> str:
    """The ServiceAccount, Role and RoleBinding for one namespace, as YAML."""
    text = (files("seldon_deployer.cluster") / "rbac.yaml").read_text()
    return text.replace(_NAMESPACE_LINE, f"namespace: {namespace}\n").replace(
        "for the namespace models;", f"for the namespace {namespace};"
    )
