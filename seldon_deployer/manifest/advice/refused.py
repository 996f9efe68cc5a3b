"""Pods, autoscalers and budgets that the API server refuses once the operator makes them.

The rules of a pod's parts are those that a configuration is read with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.manifest.advice.rule import Finding, Rule, each_container, each_predictor
from seldon_deployer.manifest.defaulting import PODINFO_VOLUME

Object = dict[str, Any]

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ASKING = ("httpGet", "tcpSocket", "grpc")
# The operator adds the volumes of its own: of the pod's annotations, of models that are fetched.
_ADDED = ("-provision-location", "-pvc-source")


def _bad_pods(obj: Object) -> Iterator[Finding]:
    for path, component in _components(obj):
        pod = component.get("spec") or {}
        yield from _bad_volumes(f"{path}.spec", pod)
        yield from _bad_places(f"{path}.spec", pod)
    for path, container, _ in each_container(obj):
        yield from _bad_ports(path, container)


def _bad_volumes(path: str, pod: Object) -> Iterator[Finding]:
    volumes = pod.get("volumes") or []
    for index, volume in enumerate(volumes):
        sources = sorted(name for name in volume if name != "name" and volume[name] is not None)
        if len(sources) > 1:
            yield (
                f"{path}.volumes[{index}]",
                f"a volume has one source, not {' and '.join(sources)}",
            )
    names = {volume["name"] for volume in volumes}
    for kind in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(kind) or []):
            for index, mount in enumerate(container.get("volumeMounts") or []):
                name = mount["name"]
                if name not in names and name != PODINFO_VOLUME and not name.endswith(_ADDED):
                    field = f"{path}.{kind}[{number}].volumeMounts[{index}].name"
                    yield field, f'the pod has no volume "{name}"'


def _bad_places(path: str, pod: Object) -> Iterator[Finding]:
    given = [(f"tolerations[{n}]", each) for n, each in enumerate(pod.get("tolerations") or [])]
    affinity = pod.get("affinity")
    if not given and not affinity:
        return
    # On use: their models take longer to load than most manifests to judge.
    from pydantic import ValidationError

    from seldon_deployer.workload import Affinity, Toleration
    from seldon_deployer.workload.problems import describe_problems

    checked: list[tuple[str, Any, type[Affinity | Toleration]]]
    checked = [(field, value, Toleration) for field, value in given]
    checked += [("affinity", affinity, Affinity)] if affinity else []
    for field, value, kind in checked:
        try:
            kind.model_validate(value)
        except ValidationError as error:
            # The first alone: what follows may be of the same mistake.
            [issue, *_] = error.errors(include_url=False)
            [(_, message)] = describe_problems([issue], kind)
            yield f"{path}.{field}{_below(issue['loc'])}", message


def _below(location: tuple[int | str, ...]) -> str:
    """A place in a model, as Kubernetes writes it."""
    from pydantic.alias_generators import to_camel

    return "".join(
        f"[{each}]" if isinstance(each, int) else f".{to_camel(each)}" for each in location
    )


def _bad_ports(path: str, container: Object) -> Iterator[Finding]:
    found = [
        (f"ports[{index}].containerPort", port["containerPort"])
        for index, port in enumerate(container.get("ports") or [])
    ]
    for probe in _PROBES:
        for way in _ASKING:
            port = ((container.get(probe) or {}).get(way) or {}).get("port")
            found += [(f"{probe}.{way}.port", port)] if isinstance(port, int) else []
    for field, number in found:
        if not 1 <= number <= 65535:
            yield f"{path}.{field}", f"{number} is no port: 1 to 65535"


def _bad_sizes(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        if (predictor.get("replicas") or 0) < 0:
            yield f"{path}.replicas", f"{predictor['replicas']} is less than 0"
    for path, component in _components(obj):
        if (component.get("replicas") or 0) < 0:
            yield f"{path}.replicas", f"{component['replicas']} is less than 0"
        hpa, budget = component.get("hpaSpec"), component.get("pdbSpec") or {}
        if hpa and hpa["maxReplicas"] < max(1, hpa.get("minReplicas") or 1):
            least = hpa.get("minReplicas") or 1
            yield (
                f"{path}.hpaSpec",
                f"maxReplicas {hpa['maxReplicas']} is less than minReplicas {least}",
            )
        if "minAvailable" in budget and "maxUnavailable" in budget:
            yield f"{path}.pdbSpec", "minAvailable and maxUnavailable exclude each other"


def _components(obj: Object) -> Iterator[tuple[str, Object]]:
    for path, predictor in each_predictor(obj):
        for index, component in enumerate(predictor.get("componentSpecs") or []):
            yield f"{path}.componentSpecs[{index}]", component


RULES = (
    Rule(
        "refused-pod",
        "error",
        "the API server refuses the operator's Deployment, the state is Failed",
        _bad_pods,
    ),
    Rule(
        "refused-size",
        "error",
        "the API server refuses the size, autoscaler or budget that the operator makes of it",
        _bad_sizes,
    ),
)
