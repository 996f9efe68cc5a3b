"""The fields of a deployment as far as they are known before its pipeline runs, judged then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zenml.client import Client

from seldon_deployer.config import DeploymentConfig, config_error
from seldon_deployer.errors import ConfigError, InvalidFields
from seldon_deployer.naming import resource_name
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig

if TYPE_CHECKING:
    from zenml.config.step_configurations import Step

# In a step's `extra`: its parameters are those of a deployment.
DEPLOYMENT = "seldon_deployment"

# What the steps themselves add, in a form that every rule takes.
_ADDED = {"model_name": "model", "model_uri": "/model"}


def check_steps(steps: Mapping[str, Step]) -> None:
    """Judge the parameters of all deploying steps of a compiled pipeline.

    Those are what their calls and the run's configuration file gave. Raises ConfigError.
    """
    for step in steps.values():
        if step.config.extra.get(DEPLOYMENT):
            from_steps = step.spec.inputs.keys() & {"config", *DeploymentConfig.model_fields}
            check_fields(read_fields(step.config.parameters), are_all=not from_steps)


def read_fields(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that parameters of a step give, single ones over those of its `config`.

    Raises ConfigError for a `config` that has no fields.
    """
    config = parameters.get("config") or {}
    if isinstance(config, SeldonDeploymentConfig):
        config = config.model_dump(exclude_defaults=True, exclude={"name", "service_name"})
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"config is of type {type(config).__name__}, which has no fields of a deployment",
            hint="give a SeldonDeploymentConfig, or its fields by name",
        )
    single = {
        name: value
        for name, value in parameters.items()
        if name in DeploymentConfig.model_fields and value is not None
    }
    return {**config, **single}


def check_fields(fields: Mapping[str, Any], *, are_all: bool) -> dict[str, Any]:
    """Raise ConfigError or InvalidName for what is wrong; returns the fields as they are read.

    Where they are not all, only what is wrong with each by itself: others may come to them.
    """
    judged = {**_ADDED, **fields}
    if Client().active_stack.orchestrator.config.is_remote:
        # Where the steps run, there may be servers that this machine was not told of.
        judged.pop("implementation", None)
    known: dict[str, Any] = {}
    try:
        known = SeldonDeploymentConfig(**judged).deployment_fields()
        DeploymentConfig(**known)
    except InvalidFields as error:
        wrong = tuple((path, said) for path, said in error.problems if path or are_all)
        if wrong:
            told = InvalidFields(error.what, problems=wrong, hint=error.hint)
            raise config_error(told) from None
    resource_name(judged["model_name"])
    return known
