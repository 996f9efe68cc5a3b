"""Revisions: a stamp on each predictor that changes when, and only when, its pods must.

Seldon's status has no observed generation. The operator copies a predictor's annotations to its
Deployments and pods, so this stamp tells whose pods they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from seldon_deployer.manifest.defaulting import set_defaults
from seldon_deployer.manifest.graph import containers, predictors
from seldon_deployer.naming import NO_ENGINE_ANNOTATION, REVISION_ANNOTATION

Object = dict[str, Any]

# Of `spec`: how many, and what the operator ignores.
_SPEC_BESIDE_PODS = frozenset({"predictors", "replicas", "name", "oauth_key", "oauth_secret"})
# An explainer has a Deployment of its own, without the predictor's annotations.
_PREDICTOR_BESIDE_PODS = frozenset({"traffic", "replicas", "explainer"})
# The orchestrator's environment holds the whole predictor; without one these reach no pod.
_PREDICTOR_BESIDE_UNITS = frozenset({"svcOrchSpec", "engineResources", "progressDeadlineSeconds"})
_COMPONENT_BESIDE_UNITS = frozenset({"replicas", "hpaSpec", "kedaSpec", "pdbSpec"})


def revision_of(predictor: Object, spec: Object, fingerprint: str) -> str:
    """Hash all that changes the pods of a predictor, and nothing else, to 16 hex digits.

    `spec` is the whole specification that holds `predictor` (ports are numbered over all
    predictors); `fingerprint` stands for the bytes of the artifact.
    """
    about = {
        "spec": {name: value for name, value in spec.items() if name not in _SPEC_BESIDE_PODS},
        "predictor": _what_reaches_pods(predictor),
        "ports": _ports(predictor, spec),
        "artifact": fingerprint,
    }
    text = json.dumps(about, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]


def stamp_revisions(obj: Object, fingerprint: str | Mapping[str, str]) -> Object:
    """A SeldonDeployment with the revision of each predictor among its annotations.

    `obj` stays as it is; what is the same in both is shared.
    `fingerprint` is that of all artifacts, or each predictor's own by its name.
    """
    stamped = []
    for predictor in predictors(obj):
        own = fingerprint
        if not isinstance(own, str):
            own = own.get(predictor["name"], "")
        annotations = {
            **(predictor.get("annotations") or {}),
            REVISION_ANNOTATION: revision_of(predictor, obj["spec"], own),
        }
        stamped.append({**predictor, "annotations": annotations})
    return {**obj, "spec": {**obj["spec"], "predictors": stamped}}


def revisions(obj: Object) -> dict[str, str]:
    """The stamped revisions by predictor name; predictors without a stamp are left out."""
    return {
        predictor["name"]: revision
        for predictor in predictors(obj)
        if (revision := (predictor.get("annotations") or {}).get(REVISION_ANNOTATION))
    }


def _what_reaches_pods(predictor: Object) -> Object:
    kept = {name: value for name, value in predictor.items() if name not in _PREDICTOR_BESIDE_PODS}
    annotations = dict(predictor.get("annotations") or {})
    annotations.pop(REVISION_ANNOTATION, None)
    kept["annotations"] = annotations
    if annotations.get(NO_ENGINE_ANNOTATION) == "true":
        kept = {name: value for name, value in kept.items() if name not in _PREDICTOR_BESIDE_UNITS}
        kept["componentSpecs"] = [
            {
                name: value
                for name, value in component.items()
                if name not in _COMPONENT_BESIDE_UNITS
            }
            for component in predictor.get("componentSpecs") or []
        ]
    return kept


def _ports(predictor: Object, spec: Object) -> list[list[Any]]:
    """Every port of the predictor's containers, as the operator numbers them."""
    index = next(i for i, one in enumerate(spec["predictors"]) if one is predictor)
    # Names and the namespace change hosts, not ports; of a large graph most else is copied in vain.
    bare = {"predictors": [_with_ports_alone(each) for each in spec["predictors"]]}
    filled: Object = {"metadata": {"name": ""}, "spec": bare}
    set_defaults(filled, namespace="")
    return [
        [container["name"], port.get("name"), port["containerPort"]]
        for container in containers(filled["spec"]["predictors"][index])
        for port in container.get("ports") or []
    ]


def _with_ports_alone(predictor: Object) -> Object:
    """A copy of a predictor with no more than its ports are numbered by."""
    bare: Object = {"name": predictor["name"], "graph": _bare_unit(predictor["graph"])}
    if predictor.get("componentSpecs"):
        bare["componentSpecs"] = [
            {
                "spec": {
                    "containers": [
                        {"name": each["name"], "ports": list(map(dict, each.get("ports") or []))}
                        for each in (component.get("spec") or {}).get("containers") or []
                    ]
                }
            }
            for component in predictor["componentSpecs"]
        ]
    return bare


def _bare_unit(unit: Object) -> Object:
    names = ("name", "implementation")
    children = [_bare_unit(child) for child in unit.get("children") or []]
    return {**{name: unit[name] for name in names if name in unit}, "children": children}
