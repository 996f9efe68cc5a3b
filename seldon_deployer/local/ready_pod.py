"""What a ready pod has for requests: units behind Services, and a place where they enter.

Read from the pod alone: its labels, its noted ports, its orchestrator's variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from seldon_deployer import naming
from seldon_deployer.local.graph_unit import (
    PREDICTOR_VARIABLE,
    GraphUnit,
    decode_predictor,
    read_graph,
)
from seldon_deployer.local.operator_names import FRONT_LABEL, unit_label
from seldon_deployer.local.orchestrator import ENGINE_CONTAINER
from seldon_deployer.local.pod_folder import PORTS_ANNOTATION
from seldon_deployer.local.rollout import is_ready
from seldon_deployer.manifest.graph import ROUTING_VARIABLE

Object = dict[str, Any]


@dataclass
class Target:
    """A ready pod that requests to a predictor go to, and what is known of its graph.

    Without an orchestrator it is the one unit's, whose port is `port`, and `rpc_port` for gRPC.
    `outstanding` requests are waiting for its answer.
    """

    uid: str
    predictor: str
    ports: Mapping[str, int]
    protocol: str
    timeout_seconds: float | None
    graph: GraphUnit | None = None
    injects_routing: bool = False
    port: int = 0
    rpc_ports: Mapping[str, int] = field(default_factory=dict)
    rpc_port: int | None = None
    rpc_timeout_seconds: float | None = None
    outstanding: int = 0

    @property
    def has_orchestrator(self) -> bool:
        """Whether the gateway does an orchestrator's work for it."""
        return self.graph is not None


@dataclass
class Backend:
    """A unit in a ready pod, behind the unit's Service."""

    uid: str
    port: int
    outstanding: int = 0
    rpc_port: int | None = None


@dataclass(frozen=True)
class ReadyPod:
    """A ready pod of Seldon's: the units behind Services by the Service's name, and more where
    requests from outside go to it.
    """

    uid: str
    key: tuple[str, str]
    backends: Mapping[str, Backend]
    target: Target | None


def read_pod(pod: Object) -> ReadyPod | None:
    """What a pod has for requests; None unless it is ready and one of Seldon's."""
    if not is_ready(pod):
        return None
    metadata = pod["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    noted = annotations.get(PORTS_ANNOTATION, "{}")
    ports, rpc_ports = _read_ports(noted, "http"), _read_ports(noted, "grpc")
    containers = pod["spec"]["containers"]
    engine = next((each for each in containers if each["name"] == ENGINE_CONTAINER), None)
    variables = {each["name"]: _variables(each) for each in containers}
    units = {
        name: own["SELDON_DEPLOYMENT_ID"]
        for name, own in variables.items()
        if own.get("SELDON_DEPLOYMENT_ID") and name in ports
    }
    backends = {
        labels[unit_label(name)]: Backend(
            metadata["uid"], ports[name], rpc_port=rpc_ports.get(name)
        )
        for name in units
        if unit_label(name) in labels
    }
    name = _argument(engine, "--sdep") if engine else next(iter(units.values()), None)
    if name is None:
        return None
    target = None
    if engine is not None or FRONT_LABEL in labels:
        target = Target(
            uid=metadata["uid"],
            predictor=naming.DEFAULT_PREDICTOR,
            ports=ports,
            protocol="seldon",
            timeout_seconds=_read_timeout(annotations, "seldon.io/rest-timeout"),
            rpc_ports=rpc_ports,
            rpc_timeout_seconds=_read_timeout(annotations, "seldon.io/grpc-timeout"),
        )
        if engine is not None:
            target = _with_orchestrator(target, engine)
        else:
            unit = next(iter(units))
            own = variables[unit]
            target.port, target.rpc_port = ports[unit], rpc_ports.get(unit)
            target.predictor = own.get("PREDICTOR_ID", target.predictor)
            target.protocol = "v2" if "MLSERVER_MODEL_IMPLEMENTATION" in own else "seldon"
    return ReadyPod(metadata["uid"], (metadata["namespace"], name), backends, target)


def _with_orchestrator(target: Target, engine: Object) -> Target:
    own = _variables(engine)
    predictor = decode_predictor(own.get(PREDICTOR_VARIABLE, ""))
    return replace(
        target,
        predictor=predictor["name"],
        protocol=_argument(engine, "--protocol") or target.protocol,
        graph=read_graph(predictor["graph"]),
        injects_routing=bool(own.get(ROUTING_VARIABLE)),
    )


def _variables(container: Object) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container.get("env") or []}


def _read_timeout(annotations: Mapping[str, str], name: str) -> float | None:
    """Seconds of an annotation of milliseconds."""
    text = annotations.get(name, "")
    return int(text) / 1000 if text.isdecimal() else None


def _read_ports(text: str, port: str) -> dict[str, int]:
    """Ports of that name by container; anybody may have edited the annotation."""
    try:
        noted = json.loads(text)
        return {name: int(ports[port]) for name, ports in noted.items() if port in ports}
    except (ValueError, TypeError, AttributeError):
        return {}


def _argument(container: Object, flag: str) -> str | None:
    return dict(pairwise(container.get("args") or [])).get(flag)
