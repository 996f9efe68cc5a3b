"""From plain values to a DeploymentConfig, with errors that name each field."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from seldon_deployer.config.deployment import DeploymentConfig
from seldon_deployer.errors import ConfigError


def parse_config(**fields: Any) -> DeploymentConfig:
    """Build a DeploymentConfig; raises ConfigError that names each wrong field."""
    try:
        return DeploymentConfig(**fields)
    except ValidationError as error:
        raise config_error(error) from error


def config_error(error: ValidationError) -> ConfigError:
    """The error that a configuration's wrong fields mean, ready to be raised; names each."""
    problems = []
    for issue in error.errors():
        where = ".".join(str(part) for part in issue["loc"])
        said = issue["msg"].removeprefix("Value error, ")
        problems.append(f"{where}: {said}" if where else said)
    return ConfigError(
        "the deployment cannot be built from this configuration", why="; ".join(problems)
    )
