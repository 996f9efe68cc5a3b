"""What the user asks for: one model, served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from seldon_deployer import naming
from seldon_deployer.catalogue import find_server
from seldon_deployer.errors import ConfigError

# Kubernetes says so of environment variables.
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_PYTHON_CLASS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_CLASS_ENV = ("MODEL_NAME", "SERVICE_TYPE")

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
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description="Kept on the resource; those of seldon.io/ go where Seldon reads them.",
    )
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

    @field_validator("implementation")
    @classmethod
    def _implementation_is_a_server(cls, value: str | None) -> str | None:
        return value and find_server(value).name

    @field_validator("python_class")
    @classmethod
    def _python_class_is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _PYTHON_CLASS.fullmatch(value):
            raise ValueError(f"{value!r} is no name such as module.Class")
        return value

    @field_validator("model_uri")
    @classmethod
    def _model_path_is_absolute(cls, value: str | None) -> str | None:
        # Who reads it later is in another folder.
        if not value or "://" in value:
            return value
        return str(Path(value).expanduser().absolute())

    @field_validator("code_path")
    @classmethod
    def _code_path_is_absolute(cls, value: Path | None) -> Path | None:
        return value and value.expanduser().resolve()

    @field_validator("resources")
    @classmethod
    def _resources_are_quantities(
        cls, value: dict[str, dict[str, str]] | None
    ) -> dict[str, dict[str, str]] | None:
        for kind, sizes in (value or {}).items():
            if kind not in ("requests", "limits"):
                raise ValueError(f"{kind!r} is neither requests nor limits")
            for resource, size in sizes.items():
                if not re.match(naming.QUANTITY_PATTERN, size):
                    raise ValueError(f"{kind}.{resource}: {size!r} is no quantity such as 500m")
        return value

    @field_validator("env")
    @classmethod
    def _env_names_are_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not _ENV_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an environment variable")
        return value

    @field_validator("labels")
    @classmethod
    def _labels_are_labels(cls, value: dict[str, str]) -> dict[str, str]:
        _check_keys(value)
        for key, text in value.items():
            if not naming.is_label_value(text):
                raise ValueError(
                    f"{key}: {text!r} is no label value: at most 63 letters, digits, '-', '_', '.'"
                )
        return value

    @field_validator("annotations")
    @classmethod
    def _annotations_are_not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        _check_keys(value)
        if naming.NO_ENGINE_ANNOTATION in value:
            raise ValueError(f'{naming.NO_ENGINE_ANNOTATION} is written by orchestrator="never"')
        return value

    @model_validator(mode="after")
    def _something_to_serve(self) -> Self:
        if not (self.model_uri or self.python_class or self.image):
            raise ValueError("give model_uri, or python_class or image for code of your own")
        if self.implementation and self.python_class:
            raise ValueError("implementation and python_class are two servers: give one")
        if (
            self.implementation
            and not self.model_uri
            and find_server(self.implementation).needs_model
        ):
            raise ValueError(f"{self.implementation} needs a model_uri")
        if self.python_class and (taken := [name for name in _CLASS_ENV if name in self.env]):
            raise ValueError(f"env: {', '.join(taken)} is written for python_class")
        return self


def _check_keys(mapping: dict[str, str]) -> None:
    for key in mapping:
        if not naming.is_label_key(key):
            raise ValueError(f"{key!r} is no key such as name or example.com/name")
        if key == naming.MANAGED_BY_LABEL or key.startswith("seldon-deployer/"):
            raise ValueError(f"{key} is ours to write")


def parse_config(**fields: Any) -> DeploymentConfig:
    """Build a DeploymentConfig; raises ConfigError that names each wrong field."""
    try:
        return DeploymentConfig(**fields)
    except ValidationError as error:
        raise config_error(error) from error


def config_error(error: ValidationError) -> ConfigError:
    """The error that a configuration's wrong fields mean, ready to be raised; names each."""
    problems = [
        f"{'.'.join(str(part) for part in issue['loc']) or 'config'}: "
        f"{issue['msg'].removeprefix('Value error, ')}"
        for issue in error.errors()
    ]
    return ConfigError(
        "the deployment cannot be built from this configuration", why="; ".join(problems)
    )
