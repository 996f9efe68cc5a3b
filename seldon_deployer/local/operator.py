"""What Seldon's operator makes of a SeldonDeployment: its Deployments and Services.

Pure. Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seldon_deployer import naming
from seldon_deployer.local.operator_deployments import plan_deployments
from seldon_deployer.local.operator_names import (
    has_orchestrator,
    is_separate,
    predictor_service,
)
from seldon_deployer.local.operator_services import plan_services
from seldon_deployer.local.orchestrator import HTTP_PORT
from seldon_deployer.manifest.advice.refused import RULES as REFUSED
from seldon_deployer.manifest.defaulting import apply_defaults
from seldon_deployer.manifest.graph import pods, units

Object = dict[str, Any]


class OperatorError(Exception):
    """The operator cannot act on this resource; the text goes to its `status.description`."""


class NotHere(OperatorError):
    """Seldon's operator could act on it; this one never can."""


@dataclass(frozen=True)
class Plan:
    """The objects that a SeldonDeployment wants, in the order they are made."""

    services: tuple[Object, ...]
    deployments: tuple[Object, ...]
    address: str


def make_plan(sdep: Object) -> Plan:
    """Plan the objects of a stored SeldonDeployment; raises OperatorError with Seldon's words.

    Explainers are not there yet: refused by name.
    """
    namespace = sdep["metadata"]["namespace"]
    full = apply_defaults(sdep, namespace)
    _refuse_what_is_not_there(full)
    _check_as_the_api_server(sdep)
    services: list[Object] = []
    deployments: list[Object] = []
    for predictor in full["spec"]["predictors"]:
        deployments += plan_deployments(full, predictor)
        services += plan_services(full, predictor)
    _check_services(services)
    return Plan(tuple(services), tuple(deployments), _address(full))


def _refuse_what_is_not_there(sdep: Object) -> None:
    hint = "Deploy it to a cluster with Seldon Core instead."
    for predictor in sdep["spec"]["predictors"]:
        name = predictor["name"]
        if (predictor.get("explainer") or {}).get("type"):
            raise NotHere(
                f"The embedded runtime has no explainers; predictor {name} asks for one. {hint}"
            )
        if not is_separate(sdep) and not _has_place_for_engine(predictor):
            # An orchestrator alone: Seldon's operator finds no pod to put it in.
            raise OperatorError(
                "engine not separate and no pu with localhost service - not clear where to inject "
                "engine"
            )


def _check_as_the_api_server(sdep: Object) -> None:
    """Refuse pods that the API server would not store, which the embedded one takes as they are."""
    found = [f"{field}: {message}" for rule in REFUSED for field, message in rule.find(sdep)]
    if found:
        raise OperatorError(f"the API server would refuse its Deployment: {'; '.join(found)}")


def _has_place_for_engine(predictor: Object) -> bool:
    first = next(iter(pods(predictor)), {})
    names = {container["name"] for container in first.get("containers") or []}
    return any(unit["name"] in names for unit in units(predictor["graph"]))


def _check_services(services: list[Object]) -> None:
    """Refuse what the API server refuses, in its words."""
    for service in services:
        name, labels = service["metadata"]["name"], service["metadata"]["labels"]
        if not naming.is_dns_label(name):
            raise OperatorError(
                f'Service "{name}" is invalid: metadata.name: Invalid value: "{name}": a DNS-1035 '
                "label must consist of lower case alphanumeric characters or '-', start with an "
                "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  "
                "or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
            )
        for key in labels:
            if len(key.rpartition("/")[2]) > 63:
                fault = f'Invalid value: "{key}": name part must be no more than 63 characters'
                raise OperatorError(
                    f'Service "{name}" is invalid: [metadata.labels: {fault}, '
                    f"spec.selector: {fault}]"
                )


def _address(sdep: Object) -> str:
    predictor = sdep["spec"]["predictors"][0]
    graph, protocol = predictor["graph"], sdep["spec"].get("protocol") or "seldon"
    port = HTTP_PORT if has_orchestrator(predictor) else graph["endpoint"]["httpPort"]
    paths = {
        "v2": f"v2/models/{graph['name']}/infer",
        "kfserving": f"v2/models/{graph['name']}/infer",
        "tensorflow": f"v1/models/{graph['name']}:predict",
    }
    host = f"{predictor_service(sdep, predictor)}.{sdep['metadata']['namespace']}"
    path = paths.get(protocol, "api/v1.0/predictions")
    return f"http://{host}.svc.cluster.local:{port}/{path}"
