"""The step that ends a pipeline: its model becomes a service with a prediction URL.

No `from __future__ import annotations` here: ZenML reads the annotations of a step as they are.
"""

from typing import Any

from pydantic import ValidationError
from zenml import get_step_context, log_metadata, step
from zenml.artifacts.unmaterialized_artifact import UnmaterializedArtifact
from zenml.exceptions import StepContextError
from zenml.logger import get_logger
from zenml.steps import StepContext

from seldon_deployer.config import config_error
from seldon_deployer.steps.signature import takes_deployment_fields
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService

logger = get_logger(__name__)


@step(enable_cache=False)
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
    context = get_step_context()
    wanted = _complete(config, fields, context)
    wanted.model_uri = model.uri
    model_deployer = SeldonModelDeployer.get_active_model_deployer()
    if not isinstance(model_deployer, SeldonModelDeployer):
        raise TypeError(f"{type(model_deployer).__name__} is no Seldon model deployer")
    if not deploy_decision:
        return _keep(model_deployer, wanted.model_name)
    service = model_deployer.deploy_model(wanted, timeout=timeout)
    log_metadata(
        {
            "seldon_deployment": {
                "prediction_url": service.prediction_url or "",
                "name": service.name,
                "namespace": service.config.kubernetes_namespace,
                "implementation": service.config.implementation or "",
                "model_uri": service.config.model_uri,
            }
        }
    )
    logger.info("%s answers at %s", service.name, service.prediction_url)
    return service


def _complete(
    config: SeldonDeploymentConfig | None, fields: dict[str, Any], context: StepContext
) -> SeldonDeploymentConfig:
    """Merge what was given, over what the pipeline says of itself."""
    given = {name: value for name, value in fields.items() if value is not None}
    zenml_model = _zenml_model(context)
    base = (
        config.model_dump(exclude_defaults=True, exclude={"name", "service_name"}) if config else {}
    )
    defaults = {
        "model_name": zenml_model[0] or context.pipeline.name,
        "model_version": zenml_model[1],
    }
    merged = {**defaults, **base, **given}
    merged["name"] = merged["model_name"]
    merged["pipeline_name"] = context.pipeline.name
    merged["pipeline_step_name"] = context.step_run.name
    merged["pipeline_run_id"] = str(context.pipeline_run.id)
    try:
        return SeldonDeploymentConfig(**merged)
    except ValidationError as error:
        raise config_error(error) from error


def _zenml_model(context: StepContext) -> tuple[str, str]:
    try:
        model = context.model
    except StepContextError:
        return "", ""
    return model.name, str(model.version or "")


def _keep(model_deployer: SeldonModelDeployer, model_name: str) -> SeldonDeploymentService | None:
    service = model_deployer.find_by_model_name(model_name)
    if service is None:
        logger.info("%s is not deployed: deploy_decision is false", model_name)
    else:
        logger.info("%s stays as it is: deploy_decision is false", service.name)
    return service
