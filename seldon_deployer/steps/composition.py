"""What a deploying step is asked where its pipeline is composed: what would fail it after training.

ZenML validates a stack without a model deployer, and takes values of any kind for a step's
parameters: both were told by the step itself, when all before it was done. A call of a step is the
first that there is of it, so the call looks at what is known by then. Outputs of other steps and
what a run's configuration file sets are not, and stay the step's own to judge.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from zenml import get_step_context
from zenml.client import Client
from zenml.steps import BaseStep

from seldon_deployer.config import DeploymentConfig, config_error
from seldon_deployer.errors import InvalidFields
from seldon_deployer.naming import resource_name
from seldon_deployer.steps.custom_parameters import CustomDeployParameters
from seldon_deployer.workload import Value
from seldon_deployer.zenml_plugin.active import active_model_deployer
from seldon_deployer.zenml_plugin.config import (
    SeldonDeploymentConfig,
    SeldonDeploymentPredictorParameter,
    SeldonResourceRequirements,
)

# Known where a pipeline is composed: all else is made by a run.
_PLAIN = (str, int, float, type(None), Value)
_OURS = (
    SeldonDeploymentConfig,
    SeldonDeploymentPredictorParameter,
    SeldonResourceRequirements,
    CustomDeployParameters,
)


def check_calls(step: BaseStep) -> BaseStep:
    """Have each call of a step checked before ZenML takes it. Returns the same step.

    Calls raise ConfigError, or InvalidName, for what cannot come to serve.
    """
    kind: Any = type(step)
    names = {"__module__": kind.__module__, "__doc__": kind.__doc__}
    # ZenML makes the class of a step by itself, and has no other hook at its call.
    step.__class__ = type(kind)(kind.__name__, (_Checked, kind), names)
    return step


class _Checked(BaseStep):
    """A step whose calls are checked."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Compose, or run, as ZenML does."""
        if not _is_in_a_step():
            active_model_deployer()
            _check_values(_known_values(self, args, options))
        return super().__call__(*args, **options)


def _is_in_a_step() -> bool:
    """Whether this runs within a step, where a call is one of the step's own function."""
    try:
        get_step_context()
    except RuntimeError:
        return False
    return True


def _known_values(step: BaseStep, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a call gives values for; none where ZenML refuses it anyway."""
    signature = inspect.signature(step.entrypoint)
    fields = {name: value for name, value in options.items() if name in signature.parameters}
    try:
        given = signature.bind_partial(*args, **fields).arguments
    except TypeError:
        return {}
    return {name: value for name, value in given.items() if _is_known(value)}


def _is_known(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_known, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_known, value))
    return isinstance(value, (*_PLAIN, *_OURS))


def _check_values(given: dict[str, Any]) -> None:
    fields = _deployment_fields(given)
    known = _check_fields(fields)
    if name := fields.get("model_name"):
        resource_name(name)
    code = given.get("custom_deploy_parameters")
    if isinstance(code, Mapping):
        code = CustomDeployParameters(**code)
    if isinstance(code, CustomDeployParameters):
        code.check_parameters(known.get("parameters"))


def _deployment_fields(given: dict[str, Any]) -> dict[str, Any]:
    config = given.get("config") or {}
    if isinstance(config, SeldonDeploymentConfig):
        config = config.model_dump(exclude_defaults=True, exclude={"name", "service_name"})
    named = {
        name: value
        for name, value in given.items()
        if name in DeploymentConfig.model_fields and value is not None
    }
    fields = {**config, **named}
    if Client().active_stack.orchestrator.config.is_remote:
        # Where the steps run, there may be servers that this machine was not told of.
        fields.pop("implementation", None)
    return fields


def _check_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Raise ConfigError for fields that are wrong by themselves; returns them as they are read.

    What they are together is not known yet: a run may bring others.
    """
    known: dict[str, Any] = {}
    try:
        known = SeldonDeploymentConfig(**{"model_name": "model", **fields}).deployment_fields()
        DeploymentConfig(**known)
    except InvalidFields as error:
        wrong = tuple((path, said) for path, said in error.problems if path)
        if wrong:
            told = InvalidFields(error.what, problems=wrong, hint=error.hint)
            raise config_error(told) from None
    return known
