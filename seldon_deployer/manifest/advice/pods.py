"""Containers and servers of which the operator makes nothing that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.catalogue import (
    SERVERS,
    UNKNOWN_IMPLEMENTATION,
    is_prepackaged,
    known_servers,
)
from seldon_deployer.manifest.advice.rule import (
    Finding,
    Rule,
    each_container,
    each_predictor,
    each_unit,
    quote,
)
from seldon_deployer.manifest.graph import (
    find_container,
    pods,
    units,
)
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION, NO_ENGINE_ANNOTATION

Object = dict[str, Any]

_PROTOCOLS = ("seldon", "tensorflow", "kfserving", "v2")


def _without_image(obj: Object) -> Iterator[Finding]:
    for path, container, predictor in each_container(obj):
        served = {
            unit["name"]
            for unit in units(predictor["graph"])
            if is_prepackaged(unit.get("implementation"))
        }
        if not container.get("image") and container["name"] not in served:
            yield f"{path}.image", f"the container {quote(container['name'])} has no image"


def _unknown_servers(obj: Object) -> Iterator[Finding]:
    known = [name for name, server in known_servers().items() if server.is_prepackaged]
    for path, unit, predictor in each_unit(obj):
        name = unit.get("implementation")
        # Without an image the webhook says so itself.
        has_image = (find_container(predictor, unit["name"]) or {}).get("image")
        if has_image and is_prepackaged(name) and name not in known:
            yield f"{path}.implementation", f"{quote(name)} is none of {', '.join(known)}"


def _servers_without_image(obj: Object) -> Iterator[Finding]:
    protocol = obj["spec"].get("protocol") or "seldon"
    for path, unit, predictor in each_unit(obj):
        server = SERVERS.get(unit.get("implementation", ""))
        has_image = (find_container(predictor, unit["name"]) or {}).get("image")
        if server is None or has_image or protocol not in _PROTOCOLS:
            continue
        if server.image(protocol) is None and not _webhook_tells(server.name, protocol):
            spoken = ", ".join(sorted(server.images))
            message = f"{server.name} has no image for the protocol {protocol}, only for {spoken}"
            yield f"{path}.implementation", message


def _webhook_tells(server: str, protocol: str) -> bool:
    return protocol == "tensorflow" and server not in ("TRITON_SERVER", "TEMPO_SERVER")


def _nowhere_for_the_engine(obj: Object) -> Iterator[Finding]:
    separate = (obj["spec"].get("annotations") or {}).get(ENGINE_SEPARATE_ANNOTATION) == "true"
    for path, predictor in each_predictor(obj):
        without = (predictor.get("annotations") or {}).get(NO_ENGINE_ANNOTATION) == "true"
        found = list(units(predictor["graph"]))
        if separate or without or any(_webhook_misses(unit, predictor) for unit in found):
            continue
        if not any(_is_beside_engine(unit, predictor) for unit in found):
            message = "no unit has its container in the first component"
            yield f"{path}.componentSpecs", message


def _webhook_misses(unit: Object, predictor: Object) -> bool:
    """Whether the webhook rejects the unit for the lack of a container."""
    is_custom = unit.get("implementation", UNKNOWN_IMPLEMENTATION) == UNKNOWN_IMPLEMENTATION
    return is_custom and find_container(predictor, unit["name"]) is None


def _is_beside_engine(unit: Object, predictor: Object) -> bool:
    if (unit.get("endpoint") or {}).get("service_host") == "localhost":
        return True
    places = _places(unit, predictor)
    # In several components is another rule's.
    return 0 in places if places else is_prepackaged(unit.get("implementation"))


def _in_two_components(obj: Object) -> Iterator[Finding]:
    for path, unit, predictor in each_unit(obj):
        places = _places(unit, predictor)
        if len(places) > 1:
            message = f"its container is in the components {', '.join(map(str, places))}"
            yield f"{path}.name", message


def _places(unit: Object, predictor: Object) -> list[int]:
    """The components that hold a unit's container."""
    return [
        index
        for index, pod in enumerate(pods(predictor))
        if any(each["name"] == unit["name"] for each in pod.get("containers") or [])
    ]


RULES = (
    Rule(
        "container-without-image",
        "error",
        "the API server refuses the operator's Deployment, the state is Failed",
        _without_image,
    ),
    Rule(
        "unknown-implementation",
        "error",
        "the operator fails with `Failed to get server config`, unless the cluster's own "
        "configuration has a server of that name",
        _unknown_servers,
    ),
    Rule(
        "server-protocol",
        "error",
        "the operator makes a container without an image, the state is Failed",
        _servers_without_image,
    ),
    Rule(
        "engine-place",
        "error",
        "the operator fails with `not clear where to inject engine`: it puts the orchestrator "
        "beside a unit of the first component",
        _nowhere_for_the_engine,
    ),
    Rule(
        "container-in-two-components",
        "warning",
        "both Deployments run it and the last is called; where no other unit is in the first "
        "component, the operator fails with `not clear where to inject engine`",
        _in_two_components,
    ),
)
