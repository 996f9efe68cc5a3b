"""Replicas, autoscalers and traffic that do something else than they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.catalogue import is_prepackaged
from seldon_deployer.manifest.advice.rule import Finding, Rule, each_predictor, quote
from seldon_deployer.manifest.graph import find_container, units
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION

Object = dict[str, Any]


def _without_replicas(obj: Object) -> Iterator[Finding]:
    yield from _parts_without_replicas(obj)
    if obj["spec"].get("replicas") is not None:
        return
    for path, predictor in each_predictor(obj):
        if predictor.get("replicas") is None and any(
            component.get("replicas") is None and not _is_scaled(component)
            for component in predictor.get("componentSpecs") or [{}]
        ):
            yield f"{path}.replicas", "no replicas are given here or at spec.replicas"


def _parts_without_replicas(obj: Object) -> Iterator[Finding]:
    """What has a Deployment beside the units' and hears of no size but its own."""
    is_separate = (obj["spec"].get("annotations") or {}).get(ENGINE_SEPARATE_ANNOTATION) == "true"
    for path, predictor in each_predictor(obj):
        if is_separate and (predictor.get("svcOrchSpec") or {}).get("replicas") is None:
            yield f"{path}.svcOrchSpec.replicas", "no replicas are given for the orchestrator's pod"
        explainer = predictor.get("explainer") or {}
        if explainer.get("type") and explainer.get("replicas") is None:
            yield f"{path}.explainer.replicas", "no replicas are given for the explainer"


def _ignored_replicas(obj: Object) -> Iterator[Finding]:
    for path, _, component in _components(obj):
        if _is_scaled(component) and component.get("replicas") is not None:
            yield f"{path}.replicas", "the autoscaler beside it decides"
    for path, predictor in each_predictor(obj):
        components = predictor.get("componentSpecs") or []
        scaled = [index for index, each in enumerate(components) if _is_scaled(each)]
        heard = [each for each in components if each.get("replicas") is None]
        if predictor.get("replicas") is not None and scaled and all(map(_is_scaled, heard)):
            yield f"{path}.replicas", f"the autoscaler of componentSpecs[{scaled[0]}] decides"


def _hpas_without_requests(obj: Object) -> Iterator[Finding]:
    for path, predictor, component in _components(obj):
        resources = _followed(component.get("hpaSpec"))
        containers = list((component.get("spec") or {}).get("containers") or [])
        if path.endswith("[0]"):
            containers += _unwritten(predictor)
        for container in containers:
            given = container.get("resources") or {}
            sizes = {**(given.get("requests") or {}), **(given.get("limits") or {})}
            missing = [name for name in resources if name not in sizes]
            if missing:
                message = f"the container {quote(container['name'])} requests no "
                yield f"{path}.hpaSpec", message + " and no ".join(missing)


def _followed(hpa: Object | None) -> list[str]:
    """The resources whose utilization an autoscaler follows; without metrics it is the CPU's."""
    if hpa is None:
        return []
    metrics = [*(hpa.get("metrics") or []), *(hpa.get("metricsv2") or [])]
    if not metrics:
        return ["cpu"]
    names = set()
    for metric in metrics:
        # The schema keeps these unchecked.
        resource = metric.get("resource")
        if not isinstance(resource, dict):
            continue
        target = resource.get("target")
        is_share = isinstance(target, dict) and "averageUtilization" in target
        if is_share or "targetAverageUtilization" in resource:
            names.add(str(resource.get("name")))
    return sorted(names)


def _unwritten(predictor: Object) -> list[Object]:
    """The containers that the operator adds to the first component, for servers without one."""
    return [
        {"name": unit["name"]}
        for unit in units(predictor["graph"])
        if is_prepackaged(unit.get("implementation"))
        and find_container(predictor, unit["name"]) is None
    ]


def _components(obj: Object) -> Iterator[tuple[str, Object, Object]]:
    for path, predictor in each_predictor(obj):
        for index, component in enumerate(predictor.get("componentSpecs") or []):
            yield f"{path}.componentSpecs[{index}]", predictor, component


def _is_scaled(component: Object) -> bool:
    return bool(component.get("hpaSpec") or component.get("kedaSpec"))


def _traffic_out_of_range(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        share = predictor.get("traffic") or 0
        if not 0 <= share <= 100:
            yield f"{path}.traffic", f"{share} is no percentage"


def _lonely_zero(obj: Object) -> Iterator[Finding]:
    found = list(each_predictor(obj))
    if len(found) == 1 and found[0][1].get("traffic") == 0:
        yield f"{found[0][0]}.traffic", "the only predictor is given no traffic"


def _main_beside_shadow(obj: Object) -> Iterator[Finding]:
    found = list(each_predictor(obj))
    mains = [(path, predictor) for path, predictor in found if not predictor.get("shadow")]
    if len(mains) != 1 or len(found) == 1:
        return
    path, main = mains[0]
    share = main.get("traffic") or 0
    if share != 100:
        yield f"{path}.traffic", f"{share} is not 100, and nothing but a shadow is beside it"


def _shadow_of_nothing(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        if predictor.get("shadow") and predictor.get("traffic") == 0:
            yield f"{path}.traffic", "0 counts as not given for a shadow"


def _all_or_nothing(obj: Object) -> Iterator[Finding]:
    mains = [(path, each) for path, each in each_predictor(obj) if not each.get("shadow")]
    shares = [each.get("traffic") or 0 for _, each in mains]
    if len(mains) > 1 and 100 in shares:
        for (path, _), share in zip(mains, shares, strict=True):
            if share == 0:
                yield f"{path}.traffic", "no traffic is given beside 100"


def _several_budgets(obj: Object) -> Iterator[Finding]:
    paths = [path for path, _, component in _components(obj) if component.get("pdbSpec")]
    for path in paths[1:]:
        yield f"{path}.pdbSpec", f"{paths[0]} has one, and it covers these pods too"


RULES = (
    Rule(
        "no-replicas",
        "warning",
        "with none given anywhere, the operator updates a Deployment again and again after its "
        "first change: rollouts take minutes, and Available is shown for the old pods",
        _without_replicas,
    ),
    Rule(
        "replicas-beside-autoscaler",
        "warning",
        "with hpaSpec or kedaSpec the operator sets no replicas",
        _ignored_replicas,
    ),
    Rule(
        "hpa-without-requests",
        "warning",
        "utilization is a share of what each container requests: without it nothing scales",
        _hpas_without_requests,
    ),
    Rule(
        "several-budgets",
        "warning",
        "each covers all pods of the deployment, and Kubernetes evicts none that two of them cover",
        _several_budgets,
    ),
    Rule(
        "traffic-range",
        "warning",
        "the webhook adds the shares up and does not look at each",
        _traffic_out_of_range,
    ),
    Rule(
        "traffic-of-one",
        "warning",
        "one predictor gets all requests whatever its share",
        _lonely_zero,
    ),
    Rule(
        "traffic-beside-shadow",
        "warning",
        "a shadow gets copies: all answers are the other predictor's",
        _main_beside_shadow,
    ),
    Rule(
        "traffic-of-shadow",
        "warning",
        "a shadow without a share of its own gets a copy of every request",
        _shadow_of_nothing,
    ),
    Rule(
        "traffic-all-or-nothing",
        "warning",
        "an Ambassador gateway may split 100 and 0 evenly: take the predictor out instead",
        _all_or_nothing,
    ),
)
