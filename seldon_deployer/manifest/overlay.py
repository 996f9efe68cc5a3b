"""The overlay: a strategic merge patch over a built SeldonDeployment, for what nobody foresaw.

Lists are merged as Kubernetes merges those of a pod: containers, volumes and variables by name,
mounts by path. Seldon's own are merged by name too: predictors, children, parameters. Components
have none: a component is the one that runs a container which the overlay names, or the only one.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from seldon_deployer import naming
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.pod_schema import CONTAINER, POD_SPEC, keyed, open_struct
from seldon_deployer.manifest.schema import check_schema, unknown_fields
from seldon_deployer.manifest.strategic import PatchError, strategic_merge

Object = dict[str, Any]

# Stands in for the name that a component lacks, while it is merged.
_PLACE = "$place"

_UNIT = open_struct(parameters=keyed(open_struct(), "name"))
_UNIT["properties"]["children"] = keyed(_UNIT, "name")
_SCHEMA = open_struct(
    spec=open_struct(
        predictors=keyed(
            open_struct(
                graph=_UNIT,
                componentSpecs=keyed(open_struct(spec=POD_SPEC), _PLACE),
                svcOrchSpec=CONTAINER,  # its environment and resources are a container's
                explainer=open_struct(containerSpec=CONTAINER),
            ),
            "name",
        )
    )
)

_PROTECTED = (
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "labels", naming.MANAGED_BY_LABEL),
    ("metadata", "labels", naming.MODEL_NAME_LABEL),
    ("metadata", "annotations", naming.MODEL_NAME_ANNOTATION),
    ("metadata", "annotations", naming.MODEL_URI_ANNOTATION),
    ("status",),
)


def apply_overlay(obj: Object, overlay: Object) -> Object:
    """Lay `overlay` over a built SeldonDeployment; both stay as they are.

    Raises ConfigError for a patch that does not fit, fields that a SeldonDeployment does not have,
    and changes of what we find the deployment again by.
    """
    if not overlay:
        return obj
    try:
        merged: Object = _without_places(
            strategic_merge(_SCHEMA, _with_places(obj), _with_places_of(overlay, obj))
        )
    except PatchError as error:
        raise _error(str(error)) from error
    for path in _PROTECTED:
        if _at(merged, path) != _at(obj, path):
            raise _error(f"{'.'.join(path)} is not the overlay's to change")
    problems = [str(each) for each in check_schema(shared_schema(), merged)]
    problems += [
        f"{path}: is no field of a SeldonDeployment"
        for path in unknown_fields(shared_schema(), merged)
    ]
    if problems:
        raise _error("; ".join(problems))
    return merged


def _with_places(obj: Object) -> Object:
    placed = deepcopy(obj)
    for predictor in predictors(placed):
        for place, component in enumerate(predictor.get("componentSpecs") or []):
            component[_PLACE] = place
    return placed


def _with_places_of(overlay: Object, obj: Object) -> Object:
    """The overlay with each component's place among those that are there."""
    placed = deepcopy(overlay)
    known = {each["name"]: each.get("componentSpecs") or [] for each in predictors(obj)}
    for predictor in _objects(placed, "spec", "predictors"):
        given = _objects(predictor, "componentSpecs")
        there = known.get(str(predictor.get("name")), [])
        is_new = not there or any(each.get("$patch") == "replace" for each in given)
        for index, component in enumerate(given):
            component[_PLACE] = index if is_new else _place(component, there)
    return placed


def _place(component: Object, there: list[Object]) -> int:
    if len(there) == 1:
        return 0
    names = _container_names(component)
    found = [place for place, each in enumerate(there) if names & _container_names(each)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(name for each in there for name in _container_names(each)))
    raise _error(
        f"a component of the overlay names containers of {len(found)} pods: it is told by one "
        f"that it runs, of {known}"
    )


def _container_names(component: Object) -> set[str]:
    return {str(each.get("name")) for each in _objects(component, "spec", "containers")}


def _objects(value: Any, *path: str) -> list[Object]:
    """The objects of the list at a path; [] where there is none: an overlay may hold anything."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _without_places(obj: Object) -> Object:
    for predictor in _objects(obj, "spec", "predictors"):
        for component in _objects(predictor, "componentSpecs"):
            component.pop(_PLACE, None)
    return obj


def _at(obj: Object, path: tuple[str, ...]) -> Any:
    value: Any = obj
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _error(why: str) -> ConfigError:
    return ConfigError(
        "the overlay does not fit the deployment",
        why=why,
        hint="it is a strategic merge patch over what `seldon-deployer render` shows",
    )
