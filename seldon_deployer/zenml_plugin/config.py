"""What a ZenML pipeline asks for: a mutable ServiceConfig that becomes a DeploymentConfig."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from zenml.services.service import ServiceConfig

from seldon_deployer.config import DeploymentConfig, OrchestratorMode, Protocol, parse_config
from seldon_deployer.errors import ConfigError
from seldon_deployer.workload import Value
from seldon_deployer.workload.constructor import TellingModel

ParameterValue = str | int | float | bool


class SeldonDeploymentPredictorParameter(BaseModel, metaclass=TellingModel):
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


class SeldonResourceRequirements(BaseModel, metaclass=TellingModel):
    """Kubernetes resources of the unit's container."""

    model_config = ConfigDict(extra="forbid")

    limits: dict[str, str] = Field(default_factory=dict)
    requests: dict[str, str] = Field(default_factory=dict)


if TYPE_CHECKING:
    _Telling = TellingModel
else:

    class _Telling(TellingModel, type(ServiceConfig)):
        """Older ZenML has a type of its own for the types of its configurations."""


class SeldonDeploymentConfig(ServiceConfig, metaclass=_Telling):
    """One model to serve, as ZenML keeps it.

    Mutable, as ZenML assigns to its configurations. It takes every field of `DeploymentConfig`:
    those below have a form of their own here, the others are kept as they are given and judged
    when they are deployed. A field of neither is an error, so that a misspelt one is not lost.
    `model_name` may be left out where `name` is given.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=(), populate_by_name=True)

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
    def _read_fields(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        fields = {name: _plain(value) for name, value in data.items()}
        known = {*cls.model_fields, *DeploymentConfig.model_fields, "serviceAccountName"}
        for name in fields.keys() - known:
            similar = get_close_matches(str(name), known, n=1)
            meant = f": did you mean {similar[0]}?" if similar else ""
            raise ValueError(f"{name} is no field of a deployment{meant}")
        if not fields.get("model_name") and fields.get("name"):
            fields["model_name"] = fields["name"]
        return fields

    def to_deployment_config(self, **more: Any) -> DeploymentConfig:
        """Freeze into what the core deploys; `more` are fields that win.

        Raises ConfigError that names each wrong field.
        """
        return parse_config(**{**self.deployment_fields(), **more})

    def deployment_fields(self) -> dict[str, Any]:
        """The fields of a DeploymentConfig that were said, judged by nobody yet."""
        own = {
            "model_uri": self.model_uri or None,
            "parameters": self._parameter_values(),
            "resources": self._resources(),
        }
        # What was never said must stay so: a number of replicas contradicts an autoscaler.
        return {
            name: value
            for name in DeploymentConfig.model_fields
            if (value := own[name] if name in own else getattr(self, name, None)) is not None
            and value != DeploymentConfig.model_fields[name].get_default(call_default_factory=True)
        }

    def _parameter_values(self) -> dict[str, ParameterValue]:
        if isinstance(self.parameters, dict):
            return self.parameters
        return {parameter.name: parameter.to_value() for parameter in self.parameters or []}

    def _resources(self) -> dict[str, dict[str, str]] | None:
        if self.resources is None:
            return None
        kinds = {"requests": self.resources.requests, "limits": self.resources.limits}
        return {kind: amounts for kind, amounts in kinds.items() if amounts} or None


def _plain(value: Any) -> Any:
    # ZenML stores configurations as JSON: what is no JSON would not come back as it was.
    return value.to_object() if isinstance(value, Value) else value
