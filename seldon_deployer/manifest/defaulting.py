"""What Seldon's operator fills in before it acts: ports, endpoints, images, containers.

It does so in memory: the stored object stays as the user wrote it. The ports `http` and `grpc` of
units are given here too, which the operator adds a step later.
Source: Seldon Core v1.17.1, defaulting; checked against what its operator makes.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from seldon_deployer.catalogue import SERVERS, UNKNOWN_IMPLEMENTATION, is_prepackaged
from seldon_deployer.manifest.graph import (
    containers,
    find_container,
    pods,
    predictors,
    units,
)
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION, PODINFO, seldon_name

Object = dict[str, Any]

FIRST_HTTP_PORT = 9000
FIRST_GRPC_PORT = 9500
FIRST_METRICS_PORT = 6000
PODINFO_VOLUME = "seldon-podinfo"


def apply_defaults(obj: Object, namespace: str) -> Object:
    """Copy a SeldonDeployment with the operator's defaults filled in."""
    filled = deepcopy(obj)
    set_defaults(filled, namespace)
    return filled


def set_defaults(obj: Object, namespace: str) -> None:
    """Fill the operator's defaults into a SeldonDeployment itself."""
    numbers = _Numbers()
    for predictor in predictors(obj):
        _default_predictor(obj, predictor, namespace, numbers)


@dataclass
class _Numbers:
    """Port numbers, counted over all predictors: a container's name keeps its pair of ports."""

    indexes: dict[str, int] = field(default_factory=dict)
    metrics_ports: int = 0

    def of(self, container_name: str) -> tuple[int, int]:
        """The HTTP and gRPC port of a container."""
        index = self.indexes.setdefault(container_name, len(self.indexes))
        return FIRST_HTTP_PORT + index, FIRST_GRPC_PORT + index

    def next_metrics_port(self) -> int:
        """A metrics port of its own for each unit's container."""
        self.metrics_ports += 1
        return FIRST_METRICS_PORT + self.metrics_ports - 1


def _default_predictor(obj: Object, predictor: Object, namespace: str, numbers: _Numbers) -> None:
    predictor["labels"] = {"version": predictor["name"], **(predictor.get("labels") or {})}
    graph_units = list(units(predictor["graph"]))
    names = {unit["name"] for unit in graph_units}
    for unit in graph_units:
        _default_kind(unit)
    # Containers that are no units take numbers too.
    for container in containers(predictor):
        ports = numbers.of(container["name"])
        if container["name"] in names:
            _default_container(container, ports, numbers)
    for unit in graph_units:
        _default_container_of_server(obj, predictor, unit, numbers)
        _default_endpoint(obj, predictor, unit, namespace)


def _default_kind(unit: Object) -> None:
    if not (unit.get("type") or unit.get("methods") or unit.get("implementation")):
        unit["type"] = "MODEL"
    if not unit.get("implementation"):
        unit["implementation"] = UNKNOWN_IMPLEMENTATION
    if is_prepackaged(unit["implementation"]):
        unit["type"] = "MODEL"


def _default_container(container: Object, ports: tuple[int, int], numbers: _Numbers) -> None:
    http_port, grpc_port = ports
    if _port(container, "metrics") is None:
        _add_port(container, "metrics", numbers.next_metrics_port())
    for name, number in (("http", http_port), ("grpc", grpc_port)):
        if _port(container, name) is None:
            _add_port(container, name, number)
    for port in container["ports"]:
        port.setdefault("protocol", "TCP")
    container.setdefault("imagePullPolicy", "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    mounts = container.setdefault("volumeMounts", [])
    if not any(mount["name"] == PODINFO_VOLUME for mount in mounts):
        mounts.append({"name": PODINFO_VOLUME, "mountPath": PODINFO})


def _default_container_of_server(
    obj: Object, predictor: Object, unit: Object, numbers: _Numbers
) -> None:
    """Give a prepackaged server its container, in the first component, and its image."""
    if not is_prepackaged(unit["implementation"]):
        return
    container = find_container(predictor, unit["name"])
    if container is None:
        container = {"name": unit["name"]}
        components = predictor.setdefault("componentSpecs", [])
        if not components:
            components.append({})
        pod = components[0].setdefault("spec", {})
        pod.setdefault("containers", []).append(container)
        _default_container(container, numbers.of(unit["name"]), numbers)
    if not container.get("image"):
        server = SERVERS.get(unit["implementation"])
        protocol = (obj.get("spec") or {}).get("protocol") or "seldon"
        image = server.image(protocol) if server else None
        if image:
            container["image"] = image


def _default_endpoint(obj: Object, predictor: Object, unit: Object, namespace: str) -> None:
    container = find_container(predictor, unit["name"])
    if container is None:
        return  # built into the orchestrator
    spec = obj.get("spec") or {}
    separate = (spec.get("annotations") or {}).get(ENGINE_SEPARATE_ANNOTATION) == "true"
    beside_engine = any(one is container for one in pods(predictor)[0].get("containers") or [])
    host = "localhost"
    if separate or not beside_engine:
        service = seldon_name(obj["metadata"]["name"], predictor["name"], unit["name"])
        host = f"{service}.{namespace}.svc.cluster.local"
    endpoint = unit.setdefault("endpoint", {})
    http_port, grpc_port = _port(container, "http"), _port(container, "grpc")
    is_grpc = endpoint.get("type") == "GRPC" or spec.get("transport") == "grpc"
    endpoint["service_host"] = host
    endpoint["service_port"] = grpc_port if is_grpc else http_port
    endpoint["httpPort"] = http_port
    endpoint["grpcPort"] = grpc_port


def _port(container: Object, name: str) -> int | None:
    ports = container.get("ports") or []
    return next((port["containerPort"] for port in ports if port.get("name") == name), None)


def _add_port(container: Object, name: str, number: int) -> None:
    port = {"name": name, "containerPort": number, "protocol": "TCP"}
    container.setdefault("ports", []).append(port)
