"""The status that Seldon's operator writes. Pure.

Source: Seldon Core 1.17.1, observed; its spelling of a reason is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seldon_deployer.local.operator import Plan
from seldon_deployer.local.pod_status import timestamp
from seldon_deployer.manifest.refusal import refusal_of, without_refusal

Object = dict[str, Any]

STUCK = "Deployment is no longer progressing and not available."
_ALWAYS = {
    "HpasReady": "No HPAs defined",
    "KedaReady": "No KEDA resources defined",
    "PdbsReady": "No PDBs defined",
}
# Seldon's operator looks at the ingress only when everything else is ready.
_WHEN_AVAILABLE = {
    "AmbassadorMappingsReady": "No Ambassador Mappaings defined",
    "istioVirtualServicesReady": "No VirtualServices defined",
}


def failed_status(before: Object, description: str) -> Object:
    """What is left when the operator cannot act: state and description over what was known."""
    status = {**before, "state": "Failed", "description": description}
    if "conditions" in before:
        # What was refused may have been corrected since.
        status["conditions"] = without_refusal(before["conditions"])
    return status


def refused_status(before: Object, description: str, generation: int) -> Object:
    """As `failed_status`, and final: this operator never can, until there is a new generation."""
    failed = failed_status(before, description)
    return failed | {"conditions": [*failed.get("conditions", []), refusal_of(generation)]}


def observed_status(
    plan: Plan, before: Object, deployments: Mapping[str, Object], *, is_new: bool, now: datetime
) -> Object:
    """The status from the live Deployments by name, wanted and left over.

    `is_new`: something was created or changed just now, so nothing else is known yet.
    """
    wanted = [deployments.get(item["metadata"]["name"], {}) for item in plan.deployments]
    state, description = _state(wanted, is_new=is_new)
    status: Object = {"state": state}
    if description:
        status["description"] = description
    if before.get("state") is None and is_new:
        # The operator's first status holds nothing but conditions.
        return status | {"conditions": _conditions(before, [], state, now)}
    status["address"] = {"url": plan.address}
    status["serviceStatus"] = {
        item["metadata"]["name"]: _service_status(item) for item in plan.services
    }
    counts = {name: _counts(item) for name, item in deployments.items() if item.get("status", {})}
    if seen := {name: count for name, count in counts.items() if count}:
        status["deploymentStatus"] = seen
    first = wanted[0].get("status", {})
    if (replicas := first.get("replicas")) is not None:
        status["replicas"] = replicas
    elif "replicas" in before:
        status["replicas"] = 0
    status["conditions"] = _conditions(before, wanted, state, now)
    return status


def is_serving(deployment: Object) -> bool:
    """Whether the operator counts this Deployment as ready."""
    status = deployment.get("status", {})
    is_observed = status.get("observedGeneration") == deployment.get("metadata", {}).get(
        "generation"
    )
    return bool(
        is_observed and status.get("readyReplicas", 0) > 0 and not status.get("unavailableReplicas")
    )


def _state(wanted: list[Object], *, is_new: bool) -> tuple[str, str]:
    if is_new:
        return "Creating", ""
    if all(is_serving(item) for item in wanted):
        return "Available", ""
    if any(_is_stuck(item) for item in wanted):
        return "Failed", STUCK
    return "Creating", ""


def _is_stuck(deployment: Object) -> bool:
    conditions = deployment.get("status", {}).get("conditions", [])
    false = {item["type"] for item in conditions if item["status"] == "False"}
    return {"Available", "Progressing"} <= false


def _conditions(before: Object, wanted: list[Object], state: str, now: datetime) -> list[Object]:
    is_available = state == "Available"
    found: dict[str, Object] = {
        kind: {"status": "True", "reason": reason} for kind, reason in _ALWAYS.items()
    }
    services = "All services created" if is_available else "Not all services created"
    found["ServicesReady"] = {
        "status": "True" if is_available else "False",
        "reason": services,
    }
    known = {item["type"]: item for item in before.get("conditions", [])}
    if is_available or "AmbassadorMappingsReady" in known:
        for kind, reason in _WHEN_AVAILABLE.items():
            found[kind] = {"status": "True", "reason": reason}
    available = _worst_availability(wanted) if wanted else None
    if available is not None:
        fields = ("status", "reason", "message")
        found["DeploymentsReady"] = {field: available[field] for field in fields}
    found["Ready"] = {"status": "True"}
    for kind in ("DeploymentsReady", "ServicesReady"):
        if found.get(kind, {}).get("status") == "False":
            found["Ready"] = dict(found[kind])
            break
    return [_timed(known.get(kind), kind, found[kind], now) for kind in sorted(found)]


def _worst_availability(wanted: list[Object]) -> Object | None:
    conditions = [
        item
        for deployment in wanted
        for item in deployment.get("status", {}).get("conditions", [])
        if item["type"] == "Available"
    ]
    return min(conditions, key=lambda item: str(item["status"]), default=None)


def _timed(known: Object | None, kind: str, wanted: Object, now: datetime) -> Object:
    moment = timestamp(now)
    if known is not None and known["status"] == wanted["status"]:
        moment = known["lastTransitionTime"]
    return {"type": kind, "lastTransitionTime": moment, **wanted}


def _service_status(service: Object) -> Object:
    metadata = service["metadata"]
    host = f"{metadata['name']}.{metadata['namespace']}"
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    return {
        "svcName": metadata["name"],
        "httpEndpoint": f"{host}:{ports['http']}",
        "grpcEndpoint": f"{host}:{ports['grpc']}",
    }


def _counts(deployment: Object) -> Object:
    status = deployment.get("status", {})
    return {field: status[field] for field in ("availableReplicas", "replicas") if field in status}
