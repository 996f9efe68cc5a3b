"""What the user asks for: one model, served."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from seldon_deployer import naming

Protocol = Literal["seldon", "v2"]
OrchestratorMode = Literal["auto", "always", "never"]


class DeploymentConfig(BaseModel):
    """One model to serve: what it is, what serves it, and how.

    Give `model_uri` (the server is found from the artifact, or named by `implementation`), or
    `python_class` for code of your own (with or without `model_uri`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_name: str = Field(min_length=1, description="Stable name; a redeploy updates in place.")
    model_uri: str | None = Field(default=None, description="Where the artifact lies.")
    implementation: str | None = Field(
        default=None, description="A prepackaged server, such as SKLEARN_SERVER; found if left out."
    )
    python_class: str | None = Field(
        default=None, description="module.Class of your own that serves; see `code_path`."
    )
    code_path: Path | None = Field(
        default=None, description="Folder that holds `python_class`; embedded runtime only."
    )
    image: str | None = Field(default=None, description="Container image of the unit.")
    protocol: Protocol = "seldon"
    replicas: int = Field(default=1, ge=0)
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    resources: dict[str, dict[str, str]] | None = Field(
        default=None, description='Kubernetes resources: {"requests": {"cpu": "100m"}, ...}.'
    )
    env: dict[str, str] = Field(default_factory=dict)
    service_account_name: str | None = None
    secret_name: str | None = Field(
        default=None, description="Existing Secret with the storage credentials."
    )
    orchestrator: OrchestratorMode = "auto"
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the SeldonDeployment."""
        return naming.resource_name(self.model_name)

    @field_validator("model_name")
    @classmethod
    def _model_name_makes_a_name(cls, value: str) -> str:
        naming.resource_name(value)
        return value

    @model_validator(mode="after")
    def _something_to_serve(self) -> Self:
        if not (self.model_uri or self.python_class or self.image):
            raise ValueError("give model_uri, or python_class or image for code of your own")
        return self


def parse_config(**fields: Any) -> DeploymentConfig:
    """Build a DeploymentConfig; raises ConfigError that names each wrong field."""
    from pydantic import ValidationError

    from seldon_deployer.errors import ConfigError

    try:
        return DeploymentConfig(**fields)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in issue['loc']) or 'config'}: {issue['msg']}"
            for issue in error.errors()
        ]
        raise ConfigError(
            "the deployment cannot be built from this configuration", why="; ".join(problems)
        ) from error
