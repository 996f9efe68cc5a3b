"""What the resource is called, and by whom."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import Any, NamedTuple

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
# How much of a name is the same in a slip. A Deployment shares 0.77 with a SeldonDeployment, and
# machinelearning.example.com as much with our group.
_NEAR_KIND = 0.85
_NEAR_GROUP = 0.9


class Misnamed(NamedTuple):
    """The field that names a resource wrongly, and what to say of it."""

    field: str
    message: str


def find_misnamed(obj: dict[str, Any]) -> Misnamed | None:
    """Why a resource is no SeldonDeployment though Seldon's, or though it is nearly called so.

    None for one, and for what has nothing to do with it. Lists are neither. A kind or a group that
    differs by a letter or two is a slip: no cluster has it, and what is applied there is an error.
    """
    api_version, kind = obj.get("apiVersion"), obj.get("kind")
    group = api_version.partition("/")[0] if isinstance(api_version, str) else ""
    if str(kind).endswith("List"):
        return None
    if group in (GROUP, GROUP_OF_V2):
        message = "" if kind == KIND else _told_kind(group, kind)
        return Misnamed("kind", message) if message else None
    if kind == KIND:
        known = isinstance(api_version, str)
        told = f"Invalid value: {api_version!r}: a {KIND} is of {API_VERSION}"
        return Misnamed("apiVersion", told) if known else None
    if isinstance(kind, str) and _is_near(kind, KIND, _NEAR_KIND):
        told = f"Invalid value: {kind!r}: did you mean {KIND} of {API_VERSION}?"
        return Misnamed("kind", told)
    if group and _is_near(group, GROUP, _NEAR_GROUP):
        told = f"Invalid value: {api_version!r}: did you mean {API_VERSION}?"
        return Misnamed("apiVersion", told)
    return None


def _told_kind(group: str, kind: Any) -> str:
    if not kind:
        return "Required value"
    told = f"Invalid value: {kind!r}: "
    if group == GROUP_OF_V2:
        return told + f"{group} is of Seldon Core v2, which is not deployed here"
    similar = get_close_matches(str(kind).lower(), [KIND.lower()])
    return told + (f"did you mean {KIND}?" if similar else f"{group} has only {KIND}")


def _is_near(given: str, known: str, share: float) -> bool:
    return SequenceMatcher(None, given.lower(), known.lower()).ratio() >= share
