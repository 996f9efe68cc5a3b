"""One unit of a graph and its container: the same for a single model and for a step of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seldon_deployer.catalogue import OUR_IMAGE, find_server, unit_of
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.build.mounted import serve_from_volume
from seldon_deployer.manifest.probes import unit_probes
from seldon_deployer.naming import MODELS_MOUNT
from seldon_deployer.workload import Probe, SecretKey, VolumeMount, env_variables
from seldon_deployer.workload.rules import GPU_RESOURCE

Object = dict[str, Any]
SeldonType = Literal["MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER", "ROUTER", "COMBINER"]
ParameterValue = str | int | float | bool

# What Seldon's servers call a unit of that type; an output transformer is another transformer. They
# speak no V2, where one path is for both and the type tells what is asked.
_SERVICE_TYPES = {"OUTPUT_TRANSFORMER": "TRANSFORMER"}


@dataclass(frozen=True, kw_only=True)
class UnitRequest:
    """All that is said of one unit, found and asked for.

    uri: where the pods find the artifact: what an initializer fetches, or, where `is_on_volume`,
    a path that is there already. implementation: the server that was found or asked for; None for
    code or an image of one's own.
    """

    name: str
    protocol: str
    type: SeldonType = "MODEL"
    uri: str | None = None
    is_on_volume: bool = False
    implementation: str | None = None
    image: str | None = None
    python_class: str | None = None
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    env_from_secrets: Mapping[str, SecretKey] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, str]] | None = None
    gpus: int = 0
    volume_mounts: tuple[VolumeMount, ...] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)
    secret_name: str | None = None
    service_account_name: str | None = None
    storage_initializer_image: str | None = None
    logger: Object | None = None

    @property
    def is_known_server(self) -> bool:
        """Whether what listens in the container is a server we know: Seldon's own, or ours."""
        return bool(self.python_class or self.implementation or not self.image)


@dataclass(frozen=True)
class _Server:
    """What serves, as the manifest says it."""

    implementation: str | None = None
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)


def unit_and_container(request: UnitRequest) -> tuple[Object, Object]:
    """The unit for the graph, without children, and the container of its name.

    A prepackaged server's image is the operator's to choose: the container is there for all else.
    Raises ConfigError when nothing could serve, or the server does not speak the protocol.
    """
    server = _choose_server(request)
    return _unit(request, server), _container(request, server)


def write_parameters(parameters: Mapping[str, ParameterValue]) -> list[Object]:
    """Parameters with Seldon's types, sorted by name."""
    return [_parameter(name, value) for name, value in sorted(parameters.items())]


def _choose_server(request: UnitRequest) -> _Server:
    if request.implementation is None:
        return _own_server(request)
    server = find_server(request.implementation)
    if server.image(request.protocol) is None and not request.image:
        raise ConfigError(
            f"{server.name} does not speak the protocol {request.protocol!r}",
            why=f"it has images for {', '.join(sorted(server.images))} only",
            hint="choose another protocol",
        )
    if request.is_on_volume and request.uri is not None:
        told = serve_from_volume(server, request.protocol, request.uri)
        return _Server(image=request.image or told.image, env=told.env, parameters=told.parameters)
    said = unit_of(server, request.protocol)
    parameters: dict[str, ParameterValue] = {}
    if request.uri is not None and server.model_parameter not in ("", *request.parameters):
        parameters[server.model_parameter] = MODELS_MOUNT
    return _Server(said.implementation, request.image or said.image, said.env, parameters)


def _own_server(request: UnitRequest) -> _Server:
    if not (request.python_class or request.image):
        raise ConfigError(
            f"{request.name} has nothing to serve it",
            why="no implementation was given or found",
            hint="set implementation, such as SKLEARN_SERVER",
        )
    env: dict[str, str] = {}
    if request.python_class:
        is_v2 = request.protocol == "v2"
        kind = request.type if is_v2 else _SERVICE_TYPES.get(request.type, request.type)
        env = {"MODEL_NAME": request.python_class, "SERVICE_TYPE": kind}
    return _Server(image=request.image or OUR_IMAGE, env=env)


def _unit(request: UnitRequest, server: _Server) -> Object:
    unit: Object = {"name": request.name, "type": request.type}
    if server.implementation:
        unit["implementation"] = server.implementation
    if request.uri and not request.is_on_volume:
        unit["modelUri"] = request.uri
    if parameters := {**request.parameters, **server.parameters}:
        unit["parameters"] = write_parameters(parameters)
    for name, value in (
        ("envSecretRefName", request.secret_name),
        ("serviceAccountName", request.service_account_name),
        ("storageInitializerImage", request.storage_initializer_image),
        ("logger", request.logger),
    ):
        if value:
            unit[name] = value
    return unit


def _parameter(name: str, value: ParameterValue) -> Object:
    # A bool is an int to Python, so it goes first.
    if isinstance(value, bool):
        return {"name": name, "value": str(value).lower(), "type": "BOOL"}
    if isinstance(value, int):
        return {"name": name, "value": str(value), "type": "INT"}
    if isinstance(value, float):
        return {"name": name, "value": repr(value), "type": "FLOAT"}
    return {"name": name, "value": value, "type": "STRING"}


def _container(request: UnitRequest, server: _Server) -> Object:
    container: Object = {"name": request.name}
    if server.image:
        container["image"] = server.image
    own = {name: value for name, value in server.env.items() if name not in request.env}
    env = [{"name": name, "value": value} for name, value in own.items()]
    env += env_variables(request.env, request.env_from_secrets)
    if env:
        container["env"] = env
    if sizes := _resources(request):
        container["resources"] = sizes
    if request.volume_mounts:
        container["volumeMounts"] = [mount.to_object() for mount in request.volume_mounts]
    probes = unit_probes(request.protocol, speaks_http=request.is_known_server)
    probes |= {name: probe.to_object() for name, probe in sorted(request.probes.items())}
    return {**container, **probes}


def _resources(request: UnitRequest) -> Object:
    sizes = {
        kind: dict(sorted(amounts.items()))
        for kind, amounts in sorted((request.resources or {}).items())
    }
    if request.gpus:
        # Of a device, the limit is the request too.
        sizes["limits"] = {**sizes.get("limits", {}), GPU_RESOURCE: str(request.gpus)}
    return dict(sorted(sizes.items()))
