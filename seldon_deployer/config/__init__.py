"""What the user asks for: one model, or a graph of them, served."""

from seldon_deployer.config.deployment import DeploymentConfig, Protocol
from seldon_deployer.config.parse import config_error, parse_config
from seldon_deployer.config.parts import Part, parts, predictor_configs, served_units
from seldon_deployer.config.predictor import Predictor
from seldon_deployer.config.seldon import (
    SSL,
    Explainer,
    OrchestratorMode,
    RequestLogger,
    SvcOrchSpec,
)

__all__ = [
    "SSL",
    "DeploymentConfig",
    "Explainer",
    "OrchestratorMode",
    "Part",
    "Predictor",
    "Protocol",
    "RequestLogger",
    "SvcOrchSpec",
    "config_error",
    "parse_config",
    "parts",
    "predictor_configs",
    "served_units",
]
