"""What the resource is called, and by whom."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

GROUP = "machinelearning.seldon.io"
VERSION = "v1"
# The older ones have the same schema.
VERSIONS = ("v1", "v1alpha2", "v1alpha3")
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SeldonDeployment"
PLURAL = "seldondeployments"
SINGULAR = "seldondeployment"
SHORT_NAME = "sdep"
# Of Seldon Core v2, which has no SeldonDeployments.
GROUP_OF_V2 = "mlops.seldon.io"


def wrong_kind(obj: dict[str, Any]) -> str:
    """Why a resource of Seldon's is no SeldonDeployment; "" for one, and for what is not Seldon's.

    Lists are neither.
    """
    api_version, kind = obj.get("apiVersion"), obj.get("kind")
    group = api_version.partition("/")[0] if isinstance(api_version, str) else ""
    if group not in (GROUP, GROUP_OF_V2) or kind == KIND or str(kind).endswith("List"):
        return ""
    if not kind:
        return "Required value"
    told = f"Invalid value: {kind!r}: "
    if group == GROUP_OF_V2:
        return told + f"{group} is of Seldon Core v2, which is not deployed here"
    similar = get_close_matches(str(kind).lower(), [KIND.lower()])
    return told + (f"did you mean {KIND}?" if similar else f"{group} has only {KIND}")
