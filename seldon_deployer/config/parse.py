"""From plain values to a DeploymentConfig, with errors that name each field."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from seldon_deployer.config.deployment import DeploymentConfig
from seldon_deployer.config.problems import UNKNOWN_FIELD, describe_problem
from seldon_deployer.errors import ConfigError


def parse_config(**fields: Any) -> DeploymentConfig:
    """Build a DeploymentConfig; raises ConfigError that names each wrong field."""
    try:
        return DeploymentConfig(**fields)
    except ValidationError as error:
        raise config_error(error) from error


def config_error(error: ValidationError) -> ConfigError:
    """The error that a configuration's wrong fields mean, ready to be raised; names each."""
    issues = error.errors()
    is_unknown = any(issue["type"] == UNKNOWN_FIELD for issue in issues)
    return ConfigError(
        "the deployment cannot be built from this configuration",
        why="; ".join(map(describe_problem, issues)),
        hint="the fields are those of DeploymentConfig; for all else there is `overlay`"
        if is_unknown
        else "",
    )
