"""The ZenML steps that we ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seldon_deployer.steps.model_deployer import seldon_model_deployer_step

__all__ = ["seldon_model_deployer_step"]


def __getattr__(name: str) -> Any:
    if name != "seldon_model_deployer_step":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seldon_deployer.steps.model_deployer import seldon_model_deployer_step

    return seldon_model_deployer_step
