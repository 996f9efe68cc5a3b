"""Deploy models to Seldon Core v1: on a cluster, or on a laptop without one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from seldon_deployer.client import AsyncInferenceClient, InferenceClient, Tls
    from seldon_deployer.config import DeploymentConfig
    from seldon_deployer.deployer import Deployer
    from seldon_deployer.errors import (
        ArtifactError,
        DeploymentFailed,
        DeploymentTimeout,
        PredictionError,
        SeldonDeployerError,
    )
    from seldon_deployer.service import Service

__all__ = [
    "ArtifactError",
    "AsyncInferenceClient",
    "Deployer",
    "DeploymentConfig",
    "DeploymentFailed",
    "DeploymentTimeout",
    "InferenceClient",
    "PredictionError",
    "SeldonDeployerError",
    "Service",
    "Tls",
]

_HOMES = {
    "AsyncInferenceClient": "seldon_deployer.client",
    "Deployer": "seldon_deployer.deployer",
    "DeploymentConfig": "seldon_deployer.config",
    "InferenceClient": "seldon_deployer.client",
    "Service": "seldon_deployer.service",
    "Tls": "seldon_deployer.client",
}


def __getattr__(name: str) -> Any:
    # Importing the package stays fast: each public name loads its module on first use.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "seldon_deployer.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
