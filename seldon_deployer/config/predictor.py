"""Predictors beside the default one: another version of the model, with a share of the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from seldon_deployer import naming
from seldon_deployer.config.seldon import (
    CheckedResources,
    RequestLogger,
    read_environment,
)
from seldon_deployer.graph import Graph
from seldon_deployer.workload import HPA, Keda, SecretKey, Value
from seldon_deployer.workload.rules import check_dns_label

# What serves: a predictor that says one of these says all of them.
_SERVERS = ("implementation", "python_class", "code_path", "image")
_OF_ONE_MODEL = ("model_uri", *_SERVERS)
_SCALING_FIELDS = ("hpa", "keda")
_OWN_FIELDS = frozenset({"name", "traffic", "shadow", "replicas"})


class Predictor(Value):
    """Another predictor: what it does not say is as in the default one.

    `traffic` is its share of the requests in percent; a `shadow` gets copies of as many, or of all
    where it says none, and its answers go nowhere.
    """

    name: Annotated[str, AfterValidator(check_dns_label)]
    traffic: Annotated[int, Field(ge=0, le=100)] | None = None
    shadow: bool = False
    replicas: Annotated[int, Field(ge=0)] | None = None

    model_uri: str | None = None
    implementation: str | None = None
    python_class: str | None = None
    code_path: Path | None = None
    image: str | None = None
    graph: Graph | None = None
    parameters: dict[str, str | int | float | bool] | None = None
    resources: CheckedResources | None = None
    gpus: Annotated[int, Field(ge=0)] | None = None
    env: dict[str, str] | None = None
    env_from_secrets: dict[str, SecretKey] | None = None
    logger: RequestLogger | None = None
    hpa: HPA | None = None
    keda: Keda | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_environment(cls, data: Any) -> Any:
        return read_environment(data)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.name == naming.DEFAULT_PREDICTOR:
            raise ValueError(f"name: {self.name!r} is the predictor of the configuration itself")
        if not self.shadow and self.traffic is None:
            raise ValueError("traffic: give its share in percent, or shadow: true")
        if self.shadow and self.traffic == 0:
            # Seldon reads a 0 as nothing said, which means all.
            raise ValueError(
                "traffic: a shadow gets copies of 1 to 100 percent; leave it out for all"
            )
        return self

    @property
    def share(self) -> int:
        """Its share of the answers, in percent: a shadow has none."""
        return 0 if self.shadow else self.traffic or 0

    def changes(self) -> dict[str, Any]:
        """The fields of the configuration that are others for this predictor."""
        given = {
            name: getattr(self, name) for name in self.model_fields_set if name not in _OWN_FIELDS
        }
        for group, others in (
            (_SERVERS, _SERVERS),
            (_SCALING_FIELDS, _SCALING_FIELDS),
            (_OF_ONE_MODEL, ("graph",)),
            (("graph",), (*_OF_ONE_MODEL, "parameters", "gpus")),
        ):
            if any(given.get(name) is not None for name in group):
                given = {**{name: None for name in others if name not in given}, **given}
        return given
