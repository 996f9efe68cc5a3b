"""ZenML's side: the flavor `seldon_core`, its model deployer and its service.

Thin: what happens to a model is decided in the core, which does not know ZenML.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seldon_deployer.zenml_plugin.config import (
        SeldonDeploymentConfig,
        SeldonDeploymentPredictorParameter,
        SeldonResourceRequirements,
    )
    from seldon_deployer.zenml_plugin.flavor import (
        SeldonModelDeployerConfig,
        SeldonModelDeployerFlavor,
    )
    from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer
    from seldon_deployer.zenml_plugin.register import register_flavor
    from seldon_deployer.zenml_plugin.service import SeldonDeploymentService

__all__ = [
    "SeldonDeploymentConfig",
    "SeldonDeploymentPredictorParameter",
    "SeldonDeploymentService",
    "SeldonModelDeployer",
    "SeldonModelDeployerConfig",
    "SeldonModelDeployerFlavor",
    "SeldonResourceRequirements",
    "register_flavor",
]

_HOMES = {
    "SeldonDeploymentConfig": "config",
    "SeldonDeploymentPredictorParameter": "config",
    "SeldonDeploymentService": "service",
    "SeldonModelDeployer": "model_deployer",
    "SeldonModelDeployerConfig": "flavor",
    "SeldonModelDeployerFlavor": "flavor",
    "SeldonResourceRequirements": "config",
    "register_flavor": "register",
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
