"""What a ZenML pipeline asks for: a mutable ServiceConfig that becomes a DeploymentConfig."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from zenml.services.service import ServiceConfig

from seldon_deployer.config import DeploymentConfig, OrchestratorMode, Protocol, parse_config
from seldon_deployer.errors import ConfigError

ParameterValue = str | int | float | bool


class SeldonDeploymentPredictorParameter(BaseModel):
    """One parameter of the unit; `type` is STRING, INT, FLOAT, DOUBLE or BOOL."""

    model_config = ConfigDict(validate_assignment=True, extra="forbid")

    name: str = ""
    type: str = "STRING"
    value: ParameterValue = ""

    def to_value(self) -> ParameterValue:
        """Read the value as its type; raises ConfigError when it is none of that type."""
        text = str(self.value)
        try:
            match self.type.upper():
                case "" | "STRING":
                    return text
                case "INT":
                    return int(text)
                case "FLOAT" | "DOUBLE":
                    return float(text)
                case "BOOL":
                    return {"true": True, "false": False}[text.lower()]
        except (ValueError, KeyError) as error:
            raise ConfigError(
                f"the parameter {self.name!r} cannot be of type {self.type}",
                why=f"{text!r} is no {self.type}",
            ) from error
        raise ConfigError(
            f"the parameter {self.name!r} has an unknown type",
            why=f"{self.type!r} is none of STRING, INT, FLOAT, DOUBLE, BOOL",
        )


class SeldonResourceRequirements(BaseModel):
    """Kubernetes resources of the unit's container."""

    model_config = ConfigDict(extra="forbid")

    limits: dict[str, str] = Field(default_factory=dict)
    requests: dict[str, str] = Field(default_factory=dict)


class SeldonDeploymentConfig(ServiceConfig):
    """One model to serve, as ZenML keeps it.

    Mutable, as ZenML assigns to its configurations. An unknown field is an error, so that a
    misspelt one is not lost. `model_name` may be left out where `name` is given.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), populate_by_name=True)

    model_uri: str = ""
    implementation: str | None = None
    python_class: str | None = None
    code_path: str | None = None
    image: str | None = None
    protocol: Protocol = "seldon"
    replicas: int = 1
    parameters: list[SeldonDeploymentPredictorParameter] | dict[str, ParameterValue] | None = None
    resources: SeldonResourceRequirements | None = None
    env: dict[str, str] = Field(default_factory=dict)
    service_account_name: str | None = Field(
        default=None,
        # The camel case is how ZenML's own integration spells it.
        validation_alias=AliasChoices("service_account_name", "serviceAccountName"),
    )
    secret_name: str | None = None
    orchestrator: OrchestratorMode = "auto"
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)

    # Written by the model deployer and the steps.
    pipeline_run_id: str = ""
    model_deployer_id: str = ""
    kubernetes_namespace: str = ""
    project_id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_is_the_model_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("model_name") and data.get("name"):
            return {**data, "model_name": data["name"]}
        return data

    def to_deployment_config(
        self, *, secret_name: str | None = None, **more: Any
    ) -> DeploymentConfig:
        """Freeze into what the core deploys.

        `secret_name` holds where the configuration names none; `more` are fields that win.
        Raises ConfigError that names each wrong field.
        """
        fields: dict[str, Any] = {
            "model_name": self.model_name,
            "model_uri": self.model_uri or None,
            "implementation": self.implementation,
            "python_class": self.python_class,
            "code_path": self.code_path,
            "image": self.image,
            "protocol": self.protocol,
            "replicas": self.replicas,
            "parameters": self._parameter_values(),
            "resources": self._resources(),
            "env": self.env,
            "service_account_name": self.service_account_name,
            "secret_name": self.secret_name or secret_name,
            "orchestrator": self.orchestrator,
            "annotations": self.annotations,
            "labels": self.labels,
        }
        return parse_config(**{**fields, **more})

    def _parameter_values(self) -> dict[str, ParameterValue]:
        if isinstance(self.parameters, dict):
            return self.parameters
        return {parameter.name: parameter.to_value() for parameter in self.parameters or []}

    def _resources(self) -> dict[str, dict[str, str]] | None:
        if self.resources is None:
            return None
        kinds = {"requests": self.resources.requests, "limits": self.resources.limits}
        return {kind: amounts for kind, amounts in kinds.items() if amounts} or None
