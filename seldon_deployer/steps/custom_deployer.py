"""The step that serves a model by code of the user's own: a predict function, or a class.

No `from __future__ import annotations` here: ZenML reads the annotations of a step as they are.
"""

import json
from typing import Any

from zenml import get_step_context, step
from zenml.artifacts.unmaterialized_artifact import UnmaterializedArtifact
from zenml.io import fileio
from zenml.steps import StepContext

from seldon_deployer.image.code import FUNCTION_UNIT
from seldon_deployer.server.function import MODEL_FILES
from seldon_deployer.steps.composition import check_calls
from seldon_deployer.steps.custom_parameters import CustomDeployParameters
from seldon_deployer.steps.deploying import (
    complete_config,
    deploy_and_note,
    keep_service,
)
from seldon_deployer.steps.signature import takes_deployment_fields
from seldon_deployer.zenml_plugin.active import active_model_deployer
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.custom_image import CUSTOM_DEPLOYMENT, CUSTOM_IMAGE_KEY
from seldon_deployer.zenml_plugin.known_fields import DEPLOYMENT
from seldon_deployer.zenml_plugin.materializer import LOADER
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService


@check_calls
@step(enable_cache=False, extra={DEPLOYMENT: True, CUSTOM_DEPLOYMENT: True})
@takes_deployment_fields
def seldon_custom_model_deployer_step(
    model: UnmaterializedArtifact,
    custom_deploy_parameters: CustomDeployParameters,
    config: SeldonDeploymentConfig | None = None,
    deploy_decision: bool = True,
    timeout: int = 300,
    **fields: Any,
) -> SeldonDeploymentService | None:
    """Serve the model with a function or a class of yours, and return the service.

    On the embedded runtime the code is read where it lies; for a cluster an image with it is
    built before the pipeline runs, unless `image` names one. A predict function gets the model as
    training stored it: what joblib or a pickle holds is read without ZenML, all else by the
    artifact's own materializer, unless `loader` names a function. Else as
    `seldon_model_deployer_step`.

    Args:
        model: The trained model, an output of a step before.
        custom_deploy_parameters: The code that serves it.
        config: The whole configuration, instead of or below the single fields.
        deploy_decision: Whether to deploy; often the output of an evaluating step.
        timeout: Seconds to wait for the service.
        fields: Any field of `DeploymentConfig` but model_uri, by its name. `parameters` are those
            of a class's constructor.

    Returns:
        The service, or None where nothing is deployed under this name.
    """
    context = get_step_context()
    wanted = complete_config(config, fields, context)
    wanted.model_uri = model.uri
    model_deployer = active_model_deployer()
    if not deploy_decision:
        return keep_service(model_deployer, wanted.model_name)
    if custom_deploy_parameters.python_class is not None:
        wanted.python_class = custom_deploy_parameters.python_class
    else:
        custom_deploy_parameters.check_parameters(wanted.deployment_fields().get("parameters"))
        wanted.python_class = FUNCTION_UNIT
        wanted.parameters = {
            **custom_deploy_parameters.unit_parameters(),
            **_loading(model, custom_deploy_parameters),
        }
    if model_deployer.deployer.is_local:
        wanted.code_path = str(custom_deploy_parameters.folder)
    else:
        wanted.image = wanted.image or _built_image(context)
    return deploy_and_note(model_deployer, wanted, timeout)


def _loading(model: UnmaterializedArtifact, given: CustomDeployParameters) -> dict[str, str]:
    """How the unit reads the model, where joblib does not."""
    if given.loader is not None or any(name in MODEL_FILES for name in fileio.listdir(model.uri)):
        return {}
    options = {
        "materializer": model.materializer.import_path,
        "data_type": model.data_type.import_path,
    }
    return {"loader": LOADER, "loader_options": json.dumps(options)}


def _built_image(context: StepContext) -> str | None:
    """The image that was built for this step, if one was."""
    build = context.pipeline_run.build
    if build is None:
        return None
    try:
        return build.get_image(component_key=CUSTOM_IMAGE_KEY, step=context.step_run.name)
    except KeyError:
        return None
