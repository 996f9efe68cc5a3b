"""What a ZenML deployment writes on its resource, and how it is read back.

The resource holds the truth; ZenML's service row is only an index to it. So pipeline, step and
run are on the resource: in annotations as they are, in labels as Kubernetes allows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.naming import (
    CODE_PATH_ANNOTATION,
    MODEL_NAME_ANNOTATION,
    MODEL_URI_ANNOTATION,
    label_value,
)
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig

MODEL_DEPLOYER_LABEL = "zenml.io/model-deployer"

# Field of the configuration -> label and annotation.
_KEYS = {
    "pipeline_name": "zenml.io/pipeline-name",
    "pipeline_step_name": "zenml.io/step-name",
    "pipeline_run_id": "zenml.io/run-id",
    "model_version": "zenml.io/model-version",
}


def provenance_labels(config: SeldonDeploymentConfig, model_deployer_id: str) -> dict[str, str]:
    """Labels that tell which component, pipeline, step and run deployed this."""
    labels = {key: label_value(getattr(config, field)) for field, key in _KEYS.items()}
    labels[MODEL_DEPLOYER_LABEL] = model_deployer_id
    return {key: value for key, value in labels.items() if value}


def provenance_annotations(config: SeldonDeploymentConfig) -> dict[str, str]:
    """The same in full, for what a label cannot hold."""
    texts = {key: getattr(config, field) for field, key in _KEYS.items()}
    return {key: text for key, text in texts.items() if text}


def read_config(deployment: Mapping[str, Any]) -> SeldonDeploymentConfig:
    """Read the configuration back from a live SeldonDeployment."""
    metadata = deployment["metadata"]
    annotations = metadata.get("annotations", {})
    labels = metadata.get("labels", {})
    spec = deployment.get("spec", {})
    predictor: dict[str, Any] = next(iter(spec.get("predictors", [])), {})
    unit: dict[str, Any] = predictor.get("graph", {})
    model_name = annotations.get(MODEL_NAME_ANNOTATION, metadata["name"])
    return SeldonDeploymentConfig(
        name=model_name,
        model_name=model_name,
        model_uri=annotations.get(MODEL_URI_ANNOTATION) or unit.get("modelUri", ""),
        implementation=unit.get("implementation"),
        protocol="seldon" if spec.get("protocol", "seldon") == "seldon" else "v2",
        replicas=spec.get("replicas", predictor.get("replicas", 1)),
        parameters=unit.get("parameters"),
        secret_name=unit.get("envSecretRefName"),
        service_account_name=unit.get("serviceAccountName"),
        model_deployer_id=labels.get(MODEL_DEPLOYER_LABEL, ""),
        kubernetes_namespace=metadata.get("namespace", ""),
        **{field: annotations.get(key, "") for field, key in _KEYS.items()},
        **_container_fields(predictor, unit.get("name", "")),
    )


def _container_fields(predictor: Mapping[str, Any], unit_name: str) -> dict[str, Any]:
    for component in predictor.get("componentSpecs", []):
        for container in component.get("spec", {}).get("containers", []):
            if container.get("name") == unit_name:
                return _read_container(container, predictor.get("annotations", {}))
    return {}


def _read_container(container: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    env = {
        variable["name"]: variable["value"]
        for variable in container.get("env", [])
        if "value" in variable
    }
    fields: dict[str, Any] = {"image": container.get("image"), "env": env}
    if container.get("image") == OUR_IMAGE:
        # A Python class: the image and these two variables are how the core asks for one.
        fields["image"] = None
        fields["python_class"] = env.pop("MODEL_NAME", None)
        fields["code_path"] = annotations.get(CODE_PATH_ANNOTATION)
        env.pop("SERVICE_TYPE", None)
    sizes = {
        kind: {name: str(amount) for name, amount in amounts.items()}
        for kind, amounts in container.get("resources", {}).items()
        if kind in {"limits", "requests"} and amounts
    }
    return {**fields, "resources": sizes or None}
