"""The model deployer of the active stack, or what to do to have one of ours there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml.client import Client
from zenml.enums import StackComponentType

from seldon_deployer.errors import ConfigError
from seldon_deployer.zenml_plugin.flavor import FLAVOR_NAME
from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer

if TYPE_CHECKING:
    from zenml.stack import Stack

_DEFAULT_STACK = "default"
_NEW_COMPONENT = "seldon"


def active_model_deployer() -> SeldonModelDeployer:
    """The active stack's model deployer; raises ConfigError where it is none of ours."""
    stack = Client().active_stack
    found = stack.model_deployer
    if isinstance(found, SeldonModelDeployer):
        return found
    why = f"the active stack {stack.name} has no model deployer"
    if found is not None:
        why = f"{found.name} of the active stack {stack.name} is of the flavor {found.flavor}"
    raise ConfigError(
        "the step deploys with Seldon Core, and there is no model deployer for it",
        why=why,
        hint=_way_to_one(stack),
    )


def _way_to_one(stack: Stack) -> str:
    """The commands that lead to a stack with a model deployer of ours, from what there is."""
    client = Client()
    components = client.list_stack_components(
        type=StackComponentType.MODEL_DEPLOYER.value, flavor=FLAVOR_NAME
    ).items
    for component in components:
        others = client.list_stacks(component_id=component.id).items
        if others:
            return f"zenml stack set {others[0].name}"
    if components:
        return _into_stack(stack, components[0].name)
    return (
        "seldon-deployer zenml register; "
        f"zenml model-deployer register {_NEW_COMPONENT} --flavor={FLAVOR_NAME}; "
        f"{_into_stack(stack, _NEW_COMPONENT)}"
    )


def _into_stack(stack: Stack, component: str) -> str:
    if stack.name != _DEFAULT_STACK:
        return f"zenml stack update {stack.name} -d {component}"
    # ZenML lets nobody change its own.
    return (
        f"zenml stack register {component}_stack -o {stack.orchestrator.name} "
        f"-a {stack.artifact_store.name} -d {component} --set"
    )
