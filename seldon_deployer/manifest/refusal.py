"""The mark of an operator that cannot carry out a SeldonDeployment, however often it tries.

Seldon's operator has none: its `Failed` is tried again and often heals. The embedded one knows
what it lacks, and says with this condition of the status that only another specification helps.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.manifest.observation import Object

_TYPE = "Runnable"


def refusal_of(generation: int) -> dict[str, str]:
    """The condition that refuses one generation of a SeldonDeployment.

    Conditions of this kind have no field of their own for the generation.
    """
    return {
        "type": _TYPE,
        "status": "False",
        "reason": "NotRunnableHere",
        "message": f"Refused at generation {generation}.",
    }


def is_refused(deployment: Object | None) -> bool:
    """Whether a SeldonDeployment is refused as it is now, and not as it was before a change."""
    if deployment is None:
        return False
    conditions: list[Any] = (deployment.get("status") or {}).get("conditions") or []
    return refusal_of(int(deployment["metadata"].get("generation") or 0)) in conditions


def without_refusal(conditions: list[Object]) -> list[Object]:
    """The other conditions."""
    return [each for each in conditions if each.get("type") != _TYPE]
