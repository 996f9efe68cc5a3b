"""One unit of a graph: what runs in it, and in which pod."""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from seldon_deployer.graph.fields import (
    CodePath,
    Count,
    Env,
    ModelUri,
    ObjectName,
    Parameters,
    PythonClass,
    Resources,
    Text,
    UnitName,
)
from seldon_deployer.graph.node import VALUE, Node
from seldon_deployer.workload import HPA, PDB, Keda, SecretKey
from seldon_deployer.workload.environment import read_variables

# The types that Seldon's orchestrator knows; they decide which route of the unit it calls.
SeldonType = Literal["MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER", "ROUTER", "COMBINER"]
# What our server writes into the environment of a Python class.
_CLASS_ENV = ("MODEL_NAME", "SERVICE_TYPE")


@dataclass(frozen=True, config=VALUE, repr=False)
class Unit(Node):
    """A step of a graph that runs in a container of its own.

    What runs: a container `image`, or a `python_class` of yours on our server (`code_path`: the
    folder that holds it, for the embedded runtime); a Model also a prepackaged server. A
    `model_uri` is fetched for whatever runs. Units share one pod, unless `own_pod`: then
    `replicas`, the autoscalers and the disruption budget are the unit's own.
    """

    seldon_type: ClassVar[SeldonType]

    name: UnitName
    _: KW_ONLY
    image: Text | None = None
    python_class: PythonClass | None = None
    code_path: CodePath | None = None
    model_uri: ModelUri | None = None
    parameters: Parameters = field(default_factory=dict)
    env: Env = field(default_factory=dict)
    env_from_secrets: dict[str, SecretKey] = field(default_factory=dict)
    resources: Resources | None = None
    gpus: Count = 0
    secret_name: ObjectName | None = None
    service_account_name: ObjectName | None = None
    own_pod: bool = False
    replicas: Count | None = None
    hpa: HPA | None = None
    keda: Keda | None = None
    pdb: PDB | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_environment(cls, data: Any) -> Any:
        """Take `env` in Kubernetes' form, a list, apart."""
        if not isinstance(data, dict) or "env" not in data:
            return data
        plain, references = read_variables(data["env"])
        if not references:
            return {**data, "env": plain}
        named = {**references, **(data.get("env_from_secrets") or {})}
        return {**data, "env": plain, "env_from_secrets": named}

    @model_validator(mode="after")
    def _runs_one_thing(self) -> Self:
        if not self._runs_something():
            raise ValueError(f"{self.name}: {self._what_to_give()}")
        if self.code_path and not self.python_class:
            raise ValueError(f"{self.name}: code_path is the folder of a python_class: give both")
        names = [*self.env, *self.env_from_secrets]
        if self.python_class and (taken := [name for name in _CLASS_ENV if name in names]):
            raise ValueError(f"{self.name}: env {', '.join(taken)} is written for python_class")
        if twice := self.env.keys() & self.env_from_secrets.keys():
            raise ValueError(f"{self.name}: {', '.join(sorted(twice))} is in env twice")
        return self

    @model_validator(mode="after")
    def _scales_in_its_own_pod(self) -> Self:
        given = [
            name for name in ("replicas", "hpa", "keda", "pdb") if getattr(self, name) is not None
        ]
        if given and not self.own_pod:
            raise ValueError(f"{self.name}: {given[0]} is of a pod: give own_pod=True too")
        deciding = [name for name in given if name != "pdb"]
        if len(deciding) > 1:
            raise ValueError(
                f"{self.name}: {' and '.join(deciding)} both say how many pods there are"
            )
        return self

    def _runs_something(self) -> bool:
        return bool(self.image or self.python_class)

    def _what_to_give(self) -> str:
        return "give python_class, or the image of a container"
