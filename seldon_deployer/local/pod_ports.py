"""The real ports of a pod's processes: leased, noted on the pod, and read from it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seldon_deployer.local.images import Program, find_program
from seldon_deployer.local.pod_folder import PORTS_ANNOTATION
from seldon_deployer.local.ports import PortLease

Object = dict[str, Any]
# By container, and by the port that the object says.
Ports = dict[str, dict[int, int]]


def lease_ports(pod: Object, leases: list[PortLease]) -> Ports:
    """Take a port for each one of a container that is a process; `leases` gets what holds them."""
    found: Ports = {}
    for spec in pod["spec"]["containers"]:
        if find_program(spec).program is not Program.SERVER:
            continue
        for port in spec.get("ports", []):
            lease = PortLease()
            leases.append(lease)
            found.setdefault(spec["name"], {})[port["containerPort"]] = lease.number
    return found


def recall_ports(pod: Object) -> Ports:
    """The ports that are noted on a pod."""
    named = json.loads(pod["metadata"]["annotations"][PORTS_ANNOTATION])
    return {
        spec["name"]: {
            port["containerPort"]: named[spec["name"]][_name(port)]
            for port in spec.get("ports", [])
        }
        for spec in pod["spec"]["containers"]
        if spec["name"] in named
    }


def write_ports(pod: Object, ports: Ports) -> str:
    """The note of a pod's ports, by the names of containers and ports."""
    named = {
        spec["name"]: {
            _name(port): ports[spec["name"]][port["containerPort"]]
            for port in spec.get("ports", [])
        }
        for spec in pod["spec"]["containers"]
        if spec["name"] in ports
    }
    return json.dumps(named, separators=(",", ":"))


def probe_ports(spec: Object, ports: Mapping[int, int]) -> dict[str, int]:
    """Real ports of a container by the number and by the name that a probe may use."""
    known = {str(port): real for port, real in ports.items()}
    for port in spec.get("ports", []):
        if "name" in port:
            known[port["name"]] = ports[port["containerPort"]]
    return known


def _name(port: Object) -> str:
    return str(port.get("name", port["containerPort"]))
