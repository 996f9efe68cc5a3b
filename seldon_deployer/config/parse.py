"""From plain values to a DeploymentConfig, with errors that name each field."""

from __future__ import annotations

from typing import Any

from seldon_deployer.config.deployment import DeploymentConfig
from seldon_deployer.errors import ConfigError, InvalidFields


def parse_config(**fields: Any) -> DeploymentConfig:
    """Build a DeploymentConfig; raises ConfigError that names each wrong field."""
    try:
        return DeploymentConfig(**fields)
    except InvalidFields as error:
        raise config_error(error) from None


def config_error(error: InvalidFields) -> ConfigError:
    """The same for who wrote no Python, but a file, options, or the parameters of a step."""
    what = "the deployment cannot be built from this configuration"
    return ConfigError(what, why=error.why, hint=error.hint)
