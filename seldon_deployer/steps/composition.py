"""What a deploying step is asked where its pipeline is composed: what would fail it after training.

ZenML validates a stack without a model deployer, and takes values of any kind for a step's
parameters: both were told by the step itself, when all before it was done. A call of a step is the
first that there is of it, so the call looks at what is known by then. What a run's configuration
file sets is known a moment later, to the model deployer (`known_fields`); outputs of other steps
are not before the step itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from zenml import get_step_context
from zenml.steps import BaseStep

from seldon_deployer.steps.custom_parameters import CustomDeployParameters
from seldon_deployer.workload import Value
from seldon_deployer.zenml_plugin.active import active_model_deployer
from seldon_deployer.zenml_plugin.config import (
    SeldonDeploymentConfig,
    SeldonDeploymentPredictorParameter,
    SeldonResourceRequirements,
)
from seldon_deployer.zenml_plugin.known_fields import check_fields, read_fields

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
    """The parameters that have values by now; none where ZenML refuses the call anyway."""
    signature = inspect.signature(step.entrypoint)
    fields = {name: value for name, value in options.items() if name in signature.parameters}
    try:
        given = signature.bind_partial(*args, **fields).arguments
    except TypeError:
        return {}
    known = {**step.configuration.parameters, **given}
    return {name: value for name, value in known.items() if _is_known(value)}


def _is_known(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_known, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_known, value))
    return isinstance(value, (*_PLAIN, *_OURS))


def _check_values(given: dict[str, Any]) -> None:
    # Of a run's configuration file more may come, which the model deployer judges then.
    known = check_fields(read_fields(given), are_all=False)
    code = given.get("custom_deploy_parameters")
    if isinstance(code, Mapping):
        code = CustomDeployParameters(**code)
    if isinstance(code, CustomDeployParameters):
        code.check_parameters(known.get("parameters"))
