"""The step that ends a pipeline: its model becomes a service with a prediction URL.

No `from __future__ import annotations` here: ZenML reads the annotations of a step as they are.
"""

from typing import Any

from zenml import get_step_context, step
from zenml.artifacts.unmaterialized_artifact import UnmaterializedArtifact

from seldon_deployer.steps.composition import check_calls
from seldon_deployer.steps.deploying import complete_config, deploy_and_note, keep_service
from seldon_deployer.steps.signature import takes_deployment_fields
from seldon_deployer.zenml_plugin.active import active_model_deployer
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.known_fields import DEPLOYMENT
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService


@check_calls
@step(enable_cache=False, extra={DEPLOYMENT: True})
@takes_deployment_fields
def seldon_model_deployer_step(
    model: UnmaterializedArtifact,
    config: SeldonDeploymentConfig | None = None,
    deploy_decision: bool = True,
    timeout: int = 300,
    **fields: Any,
) -> SeldonDeploymentService | None:
    """Serve the model with Seldon Core and return the service once it answers.

    The model is taken by its URI, it is not loaded here. Single fields win over `config`. Without
    a model name the ZenML Model's name is used, else the pipeline's. A deployment that does not
    come to serve fails the step. With `deploy_decision` false nothing is deployed: the step
    returns the service that this model name has already, or None where it has none.

    Args:
        model: The trained model, an output of a step before.
        config: The whole configuration, instead of or below the single fields.
        deploy_decision: Whether to deploy; often the output of an evaluating step.
        timeout: Seconds to wait for the service.
        fields: Any field of `DeploymentConfig` but model_uri, by its name: model_name,
            implementation, replicas, resources, env, secret_name, node_selector, hpa, ...

    Returns:
        The service, or None where nothing is deployed under this name.
    """
    wanted = complete_config(config, fields, get_step_context())
    wanted.model_uri = model.uri
    model_deployer = active_model_deployer()
    if not deploy_decision:
        return keep_service(model_deployer, wanted.model_name)
    return deploy_and_note(model_deployer, wanted, timeout)
