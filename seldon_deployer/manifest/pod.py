"""The parts of a pod that a SeldonDeployment carries, as models.

What nothing here reads (volumes' sources, security details) is kept whole.
Source: Kubernetes core/v1 as the Seldon Core v1.17.1 resource embeds it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seldon_deployer.manifest.affinity import Affinity
from seldon_deployer.manifest.fields import (
    Flag,
    Int32,
    Int64,
    IntOrString,
    KubernetesModel,
    Moment,
    NullableMoment,
    Opaque,
    Quantity,
    QuantityMap,
    Schema,
    StringMap,
    Text,
)

_ATOMIC = Schema({"x-kubernetes-map-type": "atomic"})


class OwnerReference(KubernetesModel):
    """Who owns an object."""

    api_version: Text
    kind: Text
    name: Text
    uid: Text
    controller: Flag | None = None
    block_owner_deletion: Flag | None = None


class ObjectMeta(KubernetesModel):
    """Metadata of an embedded template."""

    name: Text | None = None
    generate_name: Text | None = None
    namespace: Text | None = None
    cluster_name: Text | None = None
    labels: StringMap | None = None
    annotations: StringMap | None = None
    creation_timestamp: NullableMoment | None = None
    deletion_timestamp: Moment | None = None
    deletion_grace_period_seconds: Int64 | None = None
    finalizers: list[Text] | None = None
    generation: Int64 | None = None
    owner_references: list[Annotated[OwnerReference, _ATOMIC]] | None = None
    resource_version: Text | None = None
    self_link: Text | None = None
    uid: Text | None = None


class KeySelector(KubernetesModel):
    """One key of a ConfigMap or Secret."""

    key: Text
    name: Text | None = None
    optional: Flag | None = None


class FieldSelector(KubernetesModel):
    """A field of the pod."""

    field_path: Text
    api_version: Text | None = None


class ResourceFieldSelector(KubernetesModel):
    """A resource figure of a container."""

    resource: Text
    container_name: Text | None = None
    divisor: Quantity | None = None


class EnvSource(KubernetesModel):
    """Where an environment variable's value comes from."""

    config_map_key_ref: Annotated[KeySelector, _ATOMIC] | None = None
    field_ref: Annotated[FieldSelector, _ATOMIC] | None = None
    resource_field_ref: Annotated[ResourceFieldSelector, _ATOMIC] | None = None
    secret_key_ref: Annotated[KeySelector, _ATOMIC] | None = None


class EnvVar(KubernetesModel):
    """One environment variable."""

    name: Text
    value: Text | None = None
    value_from: EnvSource | None = None


class EnvFromReference(KubernetesModel):
    """A whole ConfigMap or Secret as environment."""

    name: Text | None = None
    optional: Flag | None = None


class EnvFrom(KubernetesModel):
    """Environment taken from a ConfigMap or Secret."""

    config_map_ref: Annotated[EnvFromReference, _ATOMIC] | None = None
    prefix: Text | None = None
    secret_ref: Annotated[EnvFromReference, _ATOMIC] | None = None


class ExecAction(KubernetesModel):
    """A command run in the container."""

    command: list[Text] | None = None


class HTTPHeader(KubernetesModel):
    """A header that a probe sends."""

    name: Text
    value: Text


class HTTPGetAction(KubernetesModel):
    """An HTTP GET against the container."""

    port: IntOrString
    host: Text | None = None
    http_headers: list[HTTPHeader] | None = None
    path: Text | None = None
    scheme: Text | None = None


class TCPSocketAction(KubernetesModel):
    """A connection to the container."""

    port: IntOrString
    host: Text | None = None


class GRPCAction(KubernetesModel):
    """A gRPC health check."""

    port: Int32
    service: Text | None = None


class Probe(KubernetesModel):
    """A health check of a container."""

    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    failure_threshold: Int32 | None = None
    initial_delay_seconds: Int32 | None = None
    period_seconds: Int32 | None = None
    success_threshold: Int32 | None = None
    termination_grace_period_seconds: Int64 | None = None
    timeout_seconds: Int32 | None = None


class LifecycleHandler(KubernetesModel):
    """What happens at a moment of a container's life."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None


class Lifecycle(KubernetesModel):
    """What happens after a container's start and before its end."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class ResourceRequirements(KubernetesModel):
    """What a container asks for, and may use."""

    limits: QuantityMap | None = None
    requests: QuantityMap | None = None


class ContainerPort(KubernetesModel):
    """A port of a container."""

    container_port: Int32
    host_ip: Text | None = Field(default=None, alias="hostIP")
    host_port: Int32 | None = None
    name: Text | None = None
    protocol: Annotated[Text, Schema({"default": "TCP"})] | None = None


class VolumeMount(KubernetesModel):
    """Where a volume appears in a container."""

    mount_path: Text
    name: Text
    mount_propagation: Text | None = None
    read_only: Flag | None = None
    sub_path: Text | None = None
    sub_path_expr: Text | None = None


class VolumeDevice(KubernetesModel):
    """Where a block device appears in a container."""

    device_path: Text
    name: Text


_PORTS = Schema(
    {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    }
)


class Container(KubernetesModel):
    """A container of a pod."""

    name: Text
    args: list[Text] | None = None
    command: list[Text] | None = None
    env: list[EnvVar] | None = None
    env_from: list[EnvFrom] | None = None
    image: Text | None = None
    image_pull_policy: Text | None = None
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    ports: Annotated[list[ContainerPort], _PORTS] | None = None
    readiness_probe: Probe | None = None
    resources: ResourceRequirements | None = None
    security_context: Opaque | None = None
    startup_probe: Probe | None = None
    stdin: Flag | None = None
    stdin_once: Flag | None = None
    termination_message_path: Text | None = None
    termination_message_policy: Text | None = None
    tty: Flag | None = None
    volume_devices: list[VolumeDevice] | None = None
    volume_mounts: list[VolumeMount] | None = None
    working_dir: Text | None = None


class EphemeralContainer(Container):
    """A container added to a running pod."""

    target_container_name: Text | None = None


class PodOS(KubernetesModel):
    """The operating system of a pod."""

    name: Text


class Named(KubernetesModel):
    """Something with a name whose details are kept whole (volumes)."""

    name: Text


class LocalReference(KubernetesModel):
    """An object of the same namespace."""

    name: Text | None = None


class ReadinessGate(KubernetesModel):
    """A condition that a pod's readiness waits for."""

    condition_type: Text


class TopologySpreadConstraint(KubernetesModel):
    """How pods spread over a topology; its selectors are kept whole."""

    max_skew: Int32
    topology_key: Text
    when_unsatisfiable: Text


_WHOLE = Schema({"x-kubernetes-preserve-unknown-fields": True})
_SPREAD = Schema(
    {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["topologyKey", "whenUnsatisfiable"],
    }
)


class PodSpec(KubernetesModel):
    """The specification of a pod."""

    containers: list[Container]
    active_deadline_seconds: Int64 | None = None
    affinity: Affinity | None = None
    automount_service_account_token: Flag | None = None
    dns_config: Opaque | None = None
    dns_policy: Text | None = None
    enable_service_links: Flag | None = None
    ephemeral_containers: list[EphemeralContainer] | None = None
    host_aliases: list[Opaque] | None = None
    host_ipc: Flag | None = Field(default=None, alias="hostIPC")
    host_network: Flag | None = None
    host_pid: Flag | None = Field(default=None, alias="hostPID")
    hostname: Text | None = None
    image_pull_secrets: list[Annotated[LocalReference, _ATOMIC]] | None = None
    init_containers: list[Container] | None = None
    node_name: Text | None = None
    node_selector: Annotated[StringMap, _ATOMIC] | None = None
    os: PodOS | None = None
    overhead: QuantityMap | None = None
    preemption_policy: Text | None = None
    priority: Int32 | None = None
    priority_class_name: Text | None = None
    readiness_gates: list[ReadinessGate] | None = None
    restart_policy: Text | None = None
    runtime_class_name: Text | None = None
    scheduler_name: Text | None = None
    security_context: Opaque | None = None
    service_account: Text | None = None
    service_account_name: Text | None = None
    set_hostname_as_fqdn: Flag | None = Field(default=None, alias="setHostnameAsFQDN")
    share_process_namespace: Flag | None = None
    subdomain: Text | None = None
    termination_grace_period_seconds: Int64 | None = None
    tolerations: list[Opaque] | None = None
    topology_spread_constraints: (
        Annotated[list[Annotated[TopologySpreadConstraint, _WHOLE]], _SPREAD] | None
    ) = None
    volumes: list[Annotated[Named, _WHOLE]] | None = None
