"""What Seldon adds to a model: its orchestrator, request logs, explainers, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from seldon_deployer.workload import SecretKey, Value
from seldon_deployer.workload.amounts import read_amounts
from seldon_deployer.workload.environment import read_variables
from seldon_deployer.workload.rules import check_env_name, check_object_name, check_resources

ObjectName = Annotated[str, AfterValidator(check_object_name)]

OrchestratorMode = Literal["auto", "always", "never", "separate"]
ExplainerType = Literal[
    "AnchorTabular", "AnchorImages", "AnchorText", "Counterfactuals", "Contrastive", "KernelShap",
    "IntegratedGradients", "ALE", "TreeShap",
]  # fmt: skip

Resources = dict[str, dict[str, str]]


def read_resources(value: Resources | None) -> Resources | None:
    """Check requests and limits; raises ValueError that names the amount."""
    check_resources(value or {})
    return value


CheckedResources = Annotated[
    Resources, BeforeValidator(read_amounts), AfterValidator(read_resources)
]


def read_environment(data: Any) -> Any:
    """Take `env` in Kubernetes' form, a list, apart into `env` and `env_from_secrets`."""
    if not isinstance(data, Mapping) or not isinstance(data.get("env"), (list, tuple)):
        return data
    plain, references = read_variables(data["env"])
    if not references:
        return {**data, "env": plain}
    named = {**references, **(data.get("env_from_secrets") or {})}
    return {**data, "env": plain, "env_from_secrets": named}


def check_environment(env: Mapping[str, str], from_secrets: Mapping[str, SecretKey]) -> None:
    """Raise ValueError unless all names are names, and each is given once."""
    for name in from_secrets:
        check_env_name(name)
        if name in env:
            raise ValueError(f"env_from_secrets: {name} is in env too")


class SvcOrchSpec(Value):
    """The orchestrator's container; `replicas` is for one in a pod of its own."""

    resources: CheckedResources | None = None
    env: dict[str, str] = Field(default_factory=dict)
    env_from_secrets: dict[str, SecretKey] = Field(default_factory=dict)
    replicas: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_environment(cls, data: Any) -> Any:
        return read_environment(data)

    @field_validator("env")
    @classmethod
    def _env_names_are_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            check_env_name(name)
        return value


class RequestLogger(Value):
    """Where the orchestrator sends copies of requests and responses, as CloudEvents.

    Without a `url` it is the cluster's own: Seldon's operator knows one.
    """

    mode: Literal["all", "request", "response"] = "all"
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _url_is_one(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://host")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{value!r} is no address such as http://broker.logging")
        return value


class Explainer(Value):
    """An explainer beside a predictor, from Alibi; `config` are the options of its type, all text.

    `secret_name` and `service_account_name` are those of the model where they are left out.
    """

    type: ExplainerType
    model_uri: str | None = None
    config: dict[str, str] = Field(default_factory=dict)
    init_parameters: str | None = Field(
        default=None, description="JSON for the explainer under protocol v2."
    )
    replicas: Annotated[int, Field(ge=0)] | None = None
    service_account_name: ObjectName | None = None
    secret_name: ObjectName | None = None
    storage_initializer_image: str | None = None
    container_spec: dict[str, Any] | None = Field(
        default=None, description="The explainer's container, as Kubernetes writes it."
    )


class SSL(Value):
    """TLS inside the deployment: the Secret with `tls.crt` and `tls.key`."""

    cert_secret_name: ObjectName
