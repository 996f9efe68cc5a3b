"""Which Deployments and Services Seldon's operator makes of a SeldonDeployment.

Source: Seldon Core v1.17.1, observed on the running operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer.catalogue import is_prepackaged
from seldon_deployer.manifest.graph import (
    SERVICE_NAME_ANNOTATION,
    predictors,
    units,
)
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION, REVISION_ANNOTATION, seldon_name

Object = dict[str, Any]


@dataclass(frozen=True)
class ExpectedDeployment:
    """A Deployment that the operator makes.

    `replicas` is None where something else decides (an autoscaler, the operator's default), and
    `revision` where the operator copies no predictor annotation to the pods.
    """

    name: str
    predictor: str
    replicas: int | None
    revision: str | None


def expected_deployments(obj: Object) -> dict[str, ExpectedDeployment]:
    """The Deployments of a SeldonDeployment (as written, not defaulted), by name."""
    return {each.name: each for each in _deployments(obj)}


def expected_services(obj: Object) -> list[str]:
    """The names of the Services: one per predictor, one per unit that has a container."""
    deployment = obj["metadata"]["name"]
    names = []
    for predictor in predictors(obj):
        whole = seldon_name(deployment, predictor["name"])
        names.append((predictor.get("annotations") or {}).get(SERVICE_NAME_ANNOTATION) or whole)
        with_container = {name for group in _container_names(predictor) for name in group}
        names += [
            seldon_name(deployment, predictor["name"], unit["name"])
            for unit in units(predictor["graph"])
            if unit["name"] in with_container
        ]
        if (predictor.get("explainer") or {}).get("type"):
            names.append(seldon_name(deployment, predictor["name"], "explainer"))
    return names


def _deployments(obj: Object) -> Iterator[ExpectedDeployment]:
    deployment = obj["metadata"]["name"]
    spec = obj["spec"]
    separate_engine = (spec.get("annotations") or {}).get(ENGINE_SEPARATE_ANNOTATION) == "true"
    for predictor in predictors(obj):
        name = predictor["name"]
        revision = (predictor.get("annotations") or {}).get(REVISION_ANNOTATION)
        component_specs = predictor.get("componentSpecs") or [{}]
        for index, containers in enumerate(_container_names(predictor)):
            component = component_specs[index]
            own_name = (component.get("metadata") or {}).get("name") or "-".join(containers)
            yield ExpectedDeployment(
                seldon_name(deployment, name, str(index), own_name),
                name,
                _replicas(spec, predictor, component),
                revision,
            )
        if separate_engine:
            replicas = (predictor.get("svcOrchSpec") or {}).get("replicas")
            yield ExpectedDeployment(
                seldon_name(deployment, name, "svc-orch"), name, replicas, None
            )
        if (predictor.get("explainer") or {}).get("type"):
            yield ExpectedDeployment(seldon_name(deployment, name, "explainer"), name, None, None)


def _container_names(predictor: Object) -> list[list[str]]:
    """Per componentSpec its container names; servers without a container join the first."""
    groups = [
        [container["name"] for container in (component.get("spec") or {}).get("containers") or []]
        for component in predictor.get("componentSpecs") or [{}]
    ]
    written = {name for group in groups for name in group}
    groups[0] += [
        unit["name"]
        for unit in units(predictor["graph"])
        if is_prepackaged(unit.get("implementation")) and unit["name"] not in written
    ]
    return groups


def _replicas(spec: Object, predictor: Object, component: Object) -> int | None:
    if component.get("hpaSpec") or component.get("kedaSpec"):
        return None
    for level in (component, predictor, spec):
        if level.get("replicas") is not None:
            return int(level["replicas"])
    return None
