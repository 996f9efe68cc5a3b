"""The SeldonDeployment as models: the source of our CustomResourceDefinition.

Source: Seldon Core v1.17.1, machinelearning.seldon.io/v1. The operator's closed sets (types,
implementations, protocols) are plain strings there, so they are here: admission judges them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seldon_deployer.manifest.fields import (
    Flag,
    Int32,
    Int64,
    IntOrString,
    KubernetesModel,
    Opaque,
    Schema,
    StringMap,
    Text,
)
from seldon_deployer.manifest.pod import (
    Container,
    EnvVar,
    ObjectMeta,
    PodSpec,
    ResourceRequirements,
)

_KEPT_WHOLE = Schema({"x-kubernetes-preserve-unknown-fields": True})


class Endpoint(KubernetesModel):
    """Where a unit listens. The mixed key styles are Seldon's."""

    service_host: Text | None = Field(default=None, alias="service_host")
    service_port: Int32 | None = Field(default=None, alias="service_port")
    type: Text | None = None
    http_port: Int32 | None = None
    grpc_port: Int32 | None = None


class Parameter(KubernetesModel):
    """A parameter of a unit; `value` is a string whatever `type` says."""

    name: Text
    type: Text
    value: Text


class Logger(KubernetesModel):
    """Where a unit's requests and responses are sent."""

    mode: Text | None = None
    url: Text | None = None


class Unit(KubernetesModel):
    """A node of the inference graph."""

    name: Text
    children: list[Unit] | None = None
    endpoint: Endpoint | None = None
    env_secret_ref_name: Text | None = None
    implementation: Text | None = None
    logger: Logger | None = None
    methods: list[Text] | None = None
    model_uri: Text | None = None
    parameters: list[Parameter] | None = None
    service_account_name: Text | None = None
    storage_initializer_image: Text | None = None
    type: Text | None = None


class MetricSpec(KubernetesModel):
    """A metric that an autoscaler follows; its details are kept whole."""

    type: Text


class HpaSpec(KubernetesModel):
    """A HorizontalPodAutoscaler for a component."""

    max_replicas: Int32
    metrics: list[Annotated[MetricSpec, _KEPT_WHOLE]] | None = None
    metricsv2: list[Annotated[MetricSpec, _KEPT_WHOLE]] | None = None
    min_replicas: Int32 | None = None


class KedaTrigger(KubernetesModel):
    """An event source that KEDA scales by."""

    metadata: StringMap
    type: Text
    authentication_ref: Annotated[Opaque, _KEPT_WHOLE] | None = None
    metric_type: Text | None = None
    name: Text | None = None


class KedaFallback(KubernetesModel):
    """What KEDA does when a trigger fails."""

    failure_threshold: Int32
    replicas: Int32


class KedaSpec(KubernetesModel):
    """A KEDA ScaledObject for a component."""

    triggers: list[KedaTrigger]
    advanced: Opaque | None = None
    cooldown_period: Int32 | None = None
    fallback: KedaFallback | None = None
    idle_replica_count: Int32 | None = None
    max_replica_count: Int32 | None = None
    min_replica_count: Int32 | None = None
    polling_interval: Int32 | None = None


class PdbSpec(KubernetesModel):
    """A PodDisruptionBudget for a component."""

    max_unavailable: IntOrString | None = None
    min_available: IntOrString | None = None


class ComponentSpec(KubernetesModel):
    """One Deployment of a predictor: its pod, and how it scales."""

    hpa_spec: HpaSpec | None = None
    keda_spec: KedaSpec | None = None
    metadata: ObjectMeta | None = None
    pdb_spec: PdbSpec | None = None
    replicas: Int32 | None = None
    spec: PodSpec | None = None


class SvcOrchSpec(KubernetesModel):
    """The orchestrator container."""

    env: list[EnvVar] | None = None
    replicas: Int32 | None = None
    resources: ResourceRequirements | None = None


class Explainer(KubernetesModel):
    """An explainer beside a predictor."""

    config: StringMap | None = None
    container_spec: Container | None = None
    endpoint: Endpoint | None = None
    env_secret_ref_name: Text | None = None
    init_parameters: Text | None = None
    model_uri: Text | None = None
    replicas: Int32 | None = None
    service_account_name: Text | None = None
    storage_initializer_image: Text | None = None
    type: Text | None = None


class Ssl(KubernetesModel):
    """TLS between the parts of a predictor."""

    cert_secret_name: Text | None = None


class Predictor(KubernetesModel):
    """One graph with its pods and its share of the traffic."""

    graph: Unit
    name: Text
    annotations: StringMap | None = None
    component_specs: list[ComponentSpec] | None = None
    engine_resources: ResourceRequirements | None = None
    explainer: Explainer | None = None
    labels: StringMap | None = None
    progress_deadline_seconds: Int32 | None = None
    replicas: Int32 | None = None
    shadow: Flag | None = None
    ssl: Ssl | None = None
    svc_orch_spec: SvcOrchSpec | None = None
    traffic: Int32 | None = None


class SeldonDeploymentSpec(KubernetesModel):
    """What is wanted."""

    predictors: list[Predictor]
    annotations: StringMap | None = None
    name: Text | None = None
    oauth_key: Text | None = Field(default=None, alias="oauth_key")
    oauth_secret: Text | None = Field(default=None, alias="oauth_secret")
    protocol: Text | None = None
    replicas: Int32 | None = None
    server_type: Text | None = None
    transport: Text | None = None


class Address(KubernetesModel):
    """Where the first predictor answers inside the cluster."""

    url: Text | None = None


class Condition(KubernetesModel):
    """One condition of the status."""

    status: Text
    type: Text
    last_transition_time: Text | None = None
    message: Text | None = None
    reason: Text | None = None
    severity: Text | None = None


class DeploymentStatus(KubernetesModel):
    """What the operator tells of one Deployment."""

    available_replicas: Int32 | None = None
    description: Text | None = None
    explainer_for: Text | None = None
    name: Text | None = None
    replicas: Int32 | None = None
    status: Text | None = None


class ServiceStatus(KubernetesModel):
    """What the operator tells of one Service."""

    explainer_for: Text | None = None
    grpc_endpoint: Text | None = None
    http_endpoint: Text | None = None
    svc_name: Text | None = None


class SeldonDeploymentStatus(KubernetesModel):
    """What is, as the operator sees it. `observedGeneration` is never written."""

    address: Address | None = None
    annotations: StringMap | None = None
    conditions: list[Condition] | None = None
    deployment_status: dict[str, DeploymentStatus] | None = None
    description: Text | None = None
    observed_generation: Int64 | None = None
    replicas: Int32 | None = None
    service_status: dict[str, ServiceStatus] | None = None
    state: Text | None = None


class SeldonDeployment(KubernetesModel):
    """One inference service: predictors, each with a graph of units."""

    api_version: Text | None = None
    kind: Text | None = None
    metadata: Annotated[dict[str, object], Schema({"type": "object"})] | None = None
    spec: SeldonDeploymentSpec | None = None
    status: SeldonDeploymentStatus | None = None
