"""What the deploying steps have in common: the configuration's context, the service, its notes."""

from __future__ import annotations

from typing import Any

from zenml import log_metadata
from zenml.exceptions import StepContextError
from zenml.logger import get_logger
from zenml.steps import StepContext

from seldon_deployer.config import config_error
from seldon_deployer.errors import InvalidFields
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService

logger = get_logger(__name__)


def complete_config(
    config: SeldonDeploymentConfig | None, fields: dict[str, Any], context: StepContext
) -> SeldonDeploymentConfig:
    """Merge what was given, over what the pipeline says of itself. Raises ConfigError."""
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
    except InvalidFields as error:
        raise config_error(error) from None


def deploy_and_note(
    model_deployer: SeldonModelDeployer, wanted: SeldonDeploymentConfig, timeout: int
) -> SeldonDeploymentService:
    """Deploy, wait until it answers, and note on the step's run what came of it."""
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


def keep_service(
    model_deployer: SeldonModelDeployer, model_name: str
) -> SeldonDeploymentService | None:
    """The service that a model name has already; None where it has none."""
    service = model_deployer.find_by_model_name(model_name)
    if service is None:
        logger.info("%s is not deployed: deploy_decision is false", model_name)
    else:
        logger.info("%s stays as it is: deploy_decision is false", service.name)
    return service


def _zenml_model(context: StepContext) -> tuple[str, str]:
    try:
        model = context.model
    except StepContextError:
        return "", ""
    return model.name, str(model.version or "")
