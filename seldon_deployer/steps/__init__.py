"""The ZenML steps that we ship."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seldon_deployer.steps.custom_deployer import seldon_custom_model_deployer_step
    from seldon_deployer.steps.custom_parameters import CustomDeployParameters
    from seldon_deployer.steps.model_deployer import seldon_model_deployer_step

__all__ = [
    "CustomDeployParameters",
    "seldon_custom_model_deployer_step",
    "seldon_model_deployer_step",
]

_HOMES = {
    "CustomDeployParameters": "custom_parameters",
    "seldon_custom_model_deployer_step": "custom_deployer",
    "seldon_model_deployer_step": "model_deployer",
}


def __getattr__(name: str) -> Any:
    # ZenML takes seconds to import: naming this package must not cost them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
