"""The fields of a deployment as parameters of a step.

ZenML reads a step's parameters from its signature and allows no `**fields`; written out, they
would be a second list of what `DeploymentConfig` has.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from seldon_deployer.config import DeploymentConfig

F = TypeVar("F", bound=Callable[..., Any])

# The step's input says where the model lies.
_GIVEN_OTHERWISE = {"model_uri"}


def takes_deployment_fields(function: F) -> F:
    """Put every field of `DeploymentConfig` in the place of `**fields` in the signature.

    They are optional and of any type: a wrong value is told by our own error, which names it.
    """
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    # Older ZenML passes a step no parameter that is by keyword alone.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    fields = [
        inspect.Parameter(name, kind, default=None, annotation=Any)
        for name in DeploymentConfig.model_fields
        if name not in _GIVEN_OTHERWISE
    ]
    # Older pydantic reads the types of parameters from here.
    function.__annotations__.update({each.name: each.annotation for each in fields})
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *fields]
    )
    return function
