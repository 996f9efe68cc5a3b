"""`DeploymentConfig`: what the user asks for, with all that Seldon Core v1 can be asked."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from seldon_deployer import naming
from seldon_deployer.catalogue import find_server
from seldon_deployer.config.consistency import check_consistency
from seldon_deployer.config.predictor import Predictor
from seldon_deployer.config.seldon import (
    SSL,
    CheckedResources,
    Explainer,
    ObjectName,
    OrchestratorMode,
    RequestLogger,
    SvcOrchSpec,
    read_environment,
)
from seldon_deployer.graph import Graph
from seldon_deployer.graph.fields import CodePath, PythonClass, Uri
from seldon_deployer.workload import (
    HPA,
    PDB,
    Affinity,
    Keda,
    Probe,
    SecretKey,
    Toleration,
    Value,
    Volume,
    VolumeMount,
)
from seldon_deployer.workload.rules import check_env_name, check_label_keys, check_labels

# The operator writes these labels of pods itself, and selects by some of them.
_OPERATORS_LABELS = frozenset({"app", "fluentd", "version", "seldon-app", "seldon-deployment-id"})
_OPERATORS_PREFIXES = ("seldon-app-svc-", "seldon.io/", "seldon-deployment-")

# Said once for the whole deployment, or of the default predictor alone.
_ONCE = frozenset({"predictors", "explainer", "pdb", "overlay"})

Protocol = Literal["seldon", "v2"]


def _read_references(given: Any) -> Any:
    """Names, of Kubernetes' `{name: ...}` too."""
    if not isinstance(given, (list, tuple)):
        return given
    return [
        each["name"] if isinstance(each, dict) and each.keys() == {"name"} else each
        for each in given
    ]


class DeploymentConfig(Value):
    """One model to serve: what it is, what serves it, and how.

    Give `model_uri` (the server is found from the artifact, or named by `implementation`), or
    `python_class` or `image` for code of your own (with or without `model_uri`), or a `graph`.
    What is said of a container holds for each unit of a graph that does not say otherwise.
    """

    model_name: str = Field(min_length=1, description="Stable name; a redeploy updates in place.")
    model_uri: Uri | None = Field(default=None, description="Where the artifact lies.")
    implementation: str | None = Field(
        default=None, description="A prepackaged server, such as SKLEARN_SERVER; found if left out."
    )
    python_class: PythonClass | None = Field(
        default=None, description="module.Class of your own that serves; see `code_path`."
    )
    code_path: CodePath | None = Field(
        default=None, description="Folder that holds `python_class`; embedded runtime only."
    )
    image: str | None = Field(default=None, description="Container image of the unit.")
    graph: Graph | None = Field(
        default=None, description="An inference graph of several units, instead of one model."
    )
    protocol: Protocol = "seldon"
    replicas: int = Field(default=1, ge=0)
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)

    resources: CheckedResources | None = Field(
        default=None, description='Kubernetes resources: {"requests": {"cpu": "100m"}, ...}.'
    )
    gpus: int = Field(default=0, ge=0, description="GPUs of the unit, as nvidia.com/gpu.")
    env: dict[str, str] = Field(default_factory=dict)
    env_from_secrets: dict[str, SecretKey] = Field(
        default_factory=dict,
        description="Variables whose values lie in Secrets: {NAME: secret/key}",
    )
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = Field(default=None, description="Instead of our fast one.")
    startup_probe: Probe | None = Field(default=None, description="Instead of our fast one.")
    volume_mounts: tuple[VolumeMount, ...] = ()

    volumes: tuple[Volume, ...] = ()
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    affinity: Affinity | None = None
    image_pull_secrets: Annotated[tuple[ObjectName, ...], BeforeValidator(_read_references)] = ()
    service_account_name: str | None = None
    termination_grace_period_seconds: int | None = Field(default=None, ge=0)
    pod_labels: dict[str, str] = Field(default_factory=dict)
    pod_annotations: dict[str, str] = Field(default_factory=dict)

    secret_name: str | None = Field(
        default=None, description="Existing Secret with the storage credentials."
    )
    storage_initializer_image: str | None = None

    hpa: HPA | None = None
    keda: Keda | None = None
    pdb: PDB | None = None
    progress_deadline_seconds: int | None = Field(default=None, ge=1)

    orchestrator: OrchestratorMode = "auto"
    svc_orch_spec: SvcOrchSpec | None = Field(
        default=None, description="The orchestrator's resources, environment and replicas."
    )
    logger: RequestLogger | None = Field(default=None, description="Logs requests, see its url.")
    explainer: Explainer | None = None
    ssl: SSL | None = None
    predictors: tuple[Predictor, ...] = Field(
        default=(), description="Others beside the default: a share of the traffic, or a shadow."
    )

    annotations: dict[str, str] = Field(
        default_factory=dict,
        description="Kept on the resource; those of seldon.io/ go where Seldon reads them.",
    )
    labels: dict[str, str] = Field(default_factory=dict)
    overlay: dict[str, Any] = Field(
        default_factory=dict,
        description="A strategic merge patch over the SeldonDeployment, for all else.",
    )

    @property
    def name(self) -> str:
        """The name of the SeldonDeployment."""
        return naming.resource_name(self.model_name)

    @property
    def is_on_volume(self) -> bool:
        """Whether `model_uri` is a path on a mounted volume, which no initializer has to fetch."""
        return self.holds_on_volume(self.model_uri)

    def holds_on_volume(self, uri: str | None) -> bool:
        """Whether an address is a path at or below one where a volume is mounted."""
        if uri is None or not uri.startswith("/"):
            return False
        path = PurePosixPath(uri)
        return any(path.is_relative_to(mount.mount_path) for mount in self.volume_mounts)

    def of_predictor(self, predictor: Predictor) -> DeploymentConfig:
        """The configuration of another predictor alone: this one with that one's changes.

        Raises InvalidFields where the two contradict each other.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set - _ONCE}
        own = {} if predictor.replicas is None else {"replicas": predictor.replicas}
        fields = {**given, **predictor.changes(), **own}
        # What a predictor sets to null is as if nobody had said it.
        return DeploymentConfig(
            **{name: value for name, value in fields.items() if value is not None}
        )

    @model_validator(mode="before")
    @classmethod
    def _read_environment(cls, data: Any) -> Any:
        return read_environment(data)

    @field_validator("model_name")
    @classmethod
    def _model_name_makes_a_name(cls, value: str) -> str:
        naming.resource_name(value)
        return value

    @field_validator("implementation")
    @classmethod
    def _implementation_is_a_server(cls, value: str | None) -> str | None:
        return value and find_server(value).name

    @field_validator("env")
    @classmethod
    def _env_names_are_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            check_env_name(name)
        return value

    @field_validator("liveness_probe", "readiness_probe", "startup_probe")
    @classmethod
    def _probe_is_of_its_kind(cls, value: Probe | None, info: Any) -> Probe | None:
        return value and value.check_as(info.field_name.removesuffix("_probe"))

    @field_validator("node_selector")
    @classmethod
    def _node_labels_are_labels(cls, value: dict[str, str]) -> dict[str, str]:
        return check_labels(value)

    @field_validator("labels")
    @classmethod
    def _labels_are_not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        _check_nobody_elses(value)
        return check_labels(value)

    @field_validator("pod_labels")
    @classmethod
    def _pod_labels_are_not_the_operators(cls, value: dict[str, str]) -> dict[str, str]:
        _check_nobody_elses(value)
        for key in value:
            if key in _OPERATORS_LABELS or key.startswith(_OPERATORS_PREFIXES):
                raise ValueError(f"{key} is Seldon's operator's to write")
        return check_labels(value)

    @field_validator("annotations", "pod_annotations")
    @classmethod
    def _annotations_are_not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        check_label_keys(value)
        _check_nobody_elses(value)
        if naming.NO_ENGINE_ANNOTATION in value:
            raise ValueError(f'{naming.NO_ENGINE_ANNOTATION} is written by orchestrator="never"')
        if naming.ENGINE_SEPARATE_ANNOTATION in value:
            raise ValueError(
                f'{naming.ENGINE_SEPARATE_ANNOTATION} is written by orchestrator="separate"'
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_consistency(self)
        return self


def _check_nobody_elses(mapping: dict[str, str]) -> None:
    check_label_keys(mapping)
    for key in mapping:
        if key == naming.MANAGED_BY_LABEL or key.startswith("seldon-deployer/"):
            raise ValueError(f"{key} is ours to write")
