"""The rules by which Seldon's webhook rejects a SeldonDeployment, in its own words.

All violations are told at once, in the webhook's order. Objects are taken as the API server hands
them on: valid by the schema, without nulls. Source: Seldon Core v1.17.1, validating webhook.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from seldon_deployer.catalogue import SERVERS, UNKNOWN_IMPLEMENTATION, is_prepackaged
from seldon_deployer.manifest.graph import (
    SERVICE_NAME_ANNOTATION,
    find_container,
    predictors,
    units,
)
from seldon_deployer.manifest.schema import Violation
from seldon_deployer.naming import NO_ENGINE_ANNOTATION

Object = dict[str, Any]

# Empty means the default; a closed set each.
_SETTINGS = {
    "protocol": ({"seldon", "tensorflow", "kfserving", "v2"}, "Invalid protocol"),
    "transport": ({"rest", "grpc"}, "Invalid transport"),
    "serverType": ({"rpc", "kafka"}, "Invalid serverType"),
}
_KAFKA_ENV = ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")
_ENDPOINT_TRANSPORTS = {"REST": "rest", "GRPC": "grpc"}
_NO_TENSORFLOW = frozenset(
    {"SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER", "HUGGINGFACE_SERVER"}
)

_NO_METHODS = (
    "Predictive Unit has no implementation methods defined. "
    "Change to a known type or add what methods it defines"
)


def check_admission(obj: Object) -> list[Violation]:
    """Say why Seldon's webhook would reject `obj`; [] when it would not."""
    spec = obj.get("spec") or {}
    return [violation for rule in _SPEC_RULES for violation in rule(spec)]


def _check_settings(spec: Object) -> Iterator[Violation]:
    for name, (known, message) in _SETTINGS.items():
        value = spec.get(name) or ""
        if value and value not in known:
            yield _invalid("spec", value, message)


def _check_kafka(spec: Object) -> Iterator[Violation]:
    if spec.get("serverType") != "kafka":
        return
    for index, predictor in enumerate(predictors({"spec": spec})):
        env = (predictor.get("svcOrchSpec") or {}).get("env") or []
        if sum(variable["name"] in _KAFKA_ENV for variable in env) < len(_KAFKA_ENV):
            yield _invalid(
                _predictor_path(index),
                predictor["name"],
                f"For kafka please supply svcOrchSpec envs {', '.join(_KAFKA_ENV)}",
            )


def _check_lonely_shadow(spec: Object) -> Iterator[Violation]:
    found = predictors({"spec": spec})
    if len(found) == 1 and found[0].get("shadow"):
        message = "Shadow can not exist as only predictor"
        yield _invalid(_predictor_path(0), found[0]["name"], message)


def _check_service_names(spec: Object) -> Iterator[Violation]:
    seen = set()
    for index, predictor in enumerate(predictors({"spec": spec})):
        name = (predictor.get("annotations") or {}).get(SERVICE_NAME_ANNOTATION)
        if name is not None and name in seen:
            message = f"Found duplicate service name in {SERVICE_NAME_ANNOTATION} with value {name}"
            yield _invalid(_predictor_path(index), predictor["name"], message)
        seen.add(name)


def _check_some_predictor(spec: Object) -> Iterator[Violation]:
    if not spec.get("predictors"):
        yield _invalid("spec", spec.get("transport") or "", "Graph contains no predictors")


def _check_predictors(spec: Object) -> Iterator[Violation]:
    names = set()
    for index, predictor in enumerate(predictors({"spec": spec})):
        path, name = _predictor_path(index), predictor["name"]
        # Its mere presence counts, even with the value "false".
        without_engine = NO_ENGINE_ANNOTATION in (predictor.get("annotations") or {})
        if without_engine and len(list(units(predictor["graph"]))) > 1:
            message = "Running without engine only valid for single element graphs"
            yield _invalid(path, name, message)
        if name in names:
            yield _invalid(path, name, "Duplicate predictor name")
        names.add(name)
        yield from _check_unit(predictor["graph"], f"{path}.graph", predictor, spec)


def _check_unit(unit: Object, path: str, predictor: Object, spec: Object) -> Iterator[Violation]:
    for is_broken, message in _UNIT_RULES:
        if is_broken(unit, predictor, spec):
            yield _invalid(path, unit["name"], message.format_map(unit))
    logger = unit.get("logger")
    if logger is not None and not logger.get("mode"):
        yield _invalid(path, "", "No logger mode specified")
    for index, child in enumerate(unit.get("children") or []):
        # The webhook leaves `children` out of the path.
        yield from _check_unit(child, f"{path}[{index}]", predictor, spec)


def _check_transport(spec: Object) -> Iterator[Violation]:
    kinds = {
        kind
        for predictor in predictors({"spec": spec})
        for unit in units(predictor["graph"])
        if (kind := (unit.get("endpoint") or {}).get("type"))
    }
    transport = spec.get("transport")
    if len(kinds) > 1:
        message = (
            "Multiple endpoint.types found - can only have 1 type in graph. "
            "Please use spec.transport"
        )
        yield _invalid("spec", "", message)
    elif transport and any(
        _ENDPOINT_TRANSPORTS.get(kind, transport) != transport for kind in kinds
    ):
        message = (
            "Mixed transport types found. "
            "Remove graph endpoint.types if transport set at deployment level"
        )
        yield _invalid("spec", "", message)


def _check_traffic(spec: Object) -> Iterator[Violation]:
    found = predictors({"spec": spec})
    shadows = [predictor for predictor in found if predictor.get("shadow")]
    for index, predictor in enumerate(shadows):
        if index:
            yield _invalid("spec", predictor["name"], "Multiple shadows are not allowed")
        if not 0 <= (predictor.get("traffic") or 0) <= 100:
            message = "shadow traffic is illegal, the traffic number should be between [0, 100]"
            yield _invalid("spec", predictor["name"], message)
    total = sum(one.get("traffic") or 0 for one in found if not one.get("shadow"))
    if total != 100 and len(found) - len(shadows) > 1:
        message = "Traffic must sum to 100 for multiple predictors"
        yield _invalid("spec", found[0]["name"], message)
    if 0 < total < 100 and len(found) == 1:
        message = "Traffic must sum be 100 for a single predictor when set"
        yield _invalid("spec", found[0]["name"], message)


_SPEC_RULES: tuple[Callable[[Object], Iterator[Violation]], ...] = (
    _check_settings,
    _check_kafka,
    _check_lonely_shadow,
    _check_service_names,
    _check_some_predictor,
    _check_predictors,
    _check_transport,
    _check_traffic,
)


def _is_custom(unit: Object) -> bool:
    return bool(unit.get("implementation", UNKNOWN_IMPLEMENTATION) == UNKNOWN_IMPLEMENTATION)


def _is_prepackaged(unit: Object) -> bool:
    return is_prepackaged(unit.get("implementation"))


def _has_no_image(unit: Object, predictor: Object) -> bool:
    return not (find_container(predictor, unit["name"]) or {}).get("image")


_UNIT_RULES: tuple[tuple[Callable[[Object, Object, Object], bool], str], ...] = (
    (
        lambda unit, predictor, _: (
            _is_custom(unit) and find_container(predictor, unit["name"]) is None
        ),
        "Can't find container for Predictive Unit",
    ),
    (
        lambda unit, _, __: (
            _is_custom(unit) and unit.get("type") == "UNKNOWN_TYPE" and not unit.get("methods")
        ),
        _NO_METHODS,
    ),
    (
        lambda unit, _, __: (
            _is_prepackaged(unit)
            and not unit.get("modelUri")
            and unit["implementation"] != "HUGGINGFACE_SERVER"
        ),
        "Predictive unit modelUri required when using standalone servers",
    ),
    (
        lambda unit, _, spec: (
            spec.get("protocol") == "tensorflow" and unit.get("implementation") in _NO_TENSORFLOW
        ),
        "Prepackaged server does not handle tensorflow protocol {implementation}",
    ),
    (
        lambda unit, predictor, _: (
            _is_prepackaged(unit)
            and _has_no_image(unit, predictor)
            and unit["implementation"] not in SERVERS
        ),
        "No entry in predictors map for {implementation}",
    ),
)


def _predictor_path(index: int) -> str:
    return f"spec.predictors[{index}]"


def _invalid(path: str, value: str, message: str) -> Violation:
    quoted = json.dumps(value, ensure_ascii=False)
    return Violation(path, f"Invalid value: {quoted}: {message}")
