"""The least permissions that deploying needs, as a manifest to apply."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

_NAMESPACE_LINE = "namespace: models\n"
_END_OF_RULES = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n"
_SECRETS = """\
  # Storage credentials: made, kept up to date, removed with the last deployment that uses them.
  - apiGroups: [""]
    resources: [secrets]
{names}    verbs: [get, patch, delete]
  # A create cannot be limited to names; it reads and changes nothing that is there.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [create]
"""


def rbac_manifest(
    namespace: str, *, manages_secrets: bool = False, secret_names: Sequence[str] = ()
) -> str:
    """The ServiceAccount, Role and RoleBinding for one namespace, as YAML.

    manages_secrets: with what making and removing Secrets of storage credentials needs.
    secret_names: of these Secrets alone; it includes the former.
    """
    text = (files("seldon_deployer.cluster") / "rbac.yaml").read_text()
    if manages_secrets or secret_names:
        listed = ", ".join(dict.fromkeys(secret_names))
        names = f"    resourceNames: [{listed}]\n" if listed else ""
        text = text.replace(_END_OF_RULES, _SECRETS.format(names=names) + _END_OF_RULES)
    return text.replace(_NAMESPACE_LINE, f"namespace: {namespace}\n").replace(
        "for the namespace models;", f"for the namespace {namespace};"
    )
