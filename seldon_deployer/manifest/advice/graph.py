"""Graphs that are accepted and do not do what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seldon_deployer.catalogue import known_servers
from seldon_deployer.manifest.advice.rule import (
    Finding,
    Rule,
    each_predictor,
    each_unit,
    our_server,
    quote,
)
from seldon_deployer.manifest.graph import find_container
from seldon_deployer.naming import MODELS_MOUNT, NO_ENGINE_ANNOTATION

Object = dict[str, Any]

_TYPES = ("UNKNOWN_TYPE", "ROUTER", "COMBINER", "MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER")
_METHODS = ("TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK")
_ENDPOINTS = ("REST", "GRPC")
_LOGGER_MODES = ("request", "response", "all")
_EXPLAINERS = (
    "AnchorTabular", "AnchorImages", "AnchorText", "Counterfactuals", "Contrastive", "KernelShap",
    "IntegratedGradients", "ALE", "TreeShap",
)  # fmt: skip
_NOT_IN_EXECUTOR = ("SIMPLE_MODEL", "SIMPLE_ROUTER", "AVERAGE_COMBINER")
_MLSERVER = ("SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER")
# The parameter by which servers of classifiers are told what to answer.
_METHOD = "method"
_AB_TEST = "RANDOM_ABTEST"

_TRUTHS = ("y", "yes", "t", "true", "on", "1", "n", "no", "f", "false", "off", "0")


def _read_bool(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return text.lower() in _TRUTHS[:6]


# How Seldon's Python servers read a parameter of each type.
_READERS: dict[str, Callable[[str], object]] = {
    "INT": int,
    "FLOAT": float,
    "DOUBLE": float,
    "STRING": str,
    "BOOL": _read_bool,
}


def _unknown(
    read: Callable[[Object], Iterable[tuple[str, str]]], known: Iterable[str]
) -> Callable[[Object], Iterator[Finding]]:
    """A finder of values of units, read as (field below the unit, value), that are not known."""

    def find(obj: Object) -> Iterator[Finding]:
        for path, unit, _ in each_unit(obj):
            for field, value in read(unit):
                if value and value not in known:
                    yield f"{path}.{field}", f"{quote(value)} is none of {', '.join(known)}"

    return find


def _methods(unit: Object) -> Iterator[tuple[str, str]]:
    for index, method in enumerate(unit.get("methods") or []):
        yield f"methods[{index}]", method


def _parameter_types(unit: Object) -> Iterator[tuple[str, str]]:
    for index, parameter in enumerate(unit.get("parameters") or []):
        yield f"parameters[{index}].type", parameter["type"]


def _bad_parameters(obj: Object) -> Iterator[Finding]:
    for path, unit, _ in each_unit(obj):
        for index, parameter in enumerate(unit.get("parameters") or []):
            kind, value = parameter["type"], parameter["value"]
            try:
                _READERS.get(kind, str)(value)
            except ValueError:
                yield f"{path}.parameters[{index}].value", f"{quote(value)} is no {kind}"


def _unread_parameters(obj: Object) -> Iterator[Finding]:
    if obj["spec"].get("protocol") not in ("v2", "kfserving"):
        return
    for path, unit, _ in each_unit(obj):
        # What to do about a method is another rule's to tell.
        names = {each.get("name") for each in unit.get("parameters") or []} - {_METHOD}
        if unit.get("implementation") in _MLSERVER and names:
            yield f"{path}.parameters", f"{unit['implementation']} reads none under protocol v2"


def _untaken_parameters(obj: Object) -> Iterator[Finding]:
    if obj["spec"].get("protocol") not in (None, "", "seldon"):
        return
    for path, unit, predictor in each_unit(obj):
        server = known_servers().get(unit.get("implementation") or "")
        if server is None or not server.is_prepackaged or server.is_added:
            continue
        if (find_container(predictor, unit["name"]) or {}).get("image"):
            continue
        for index, parameter in enumerate(unit.get("parameters") or []):
            name = parameter.get("name")
            if name not in (*server.parameters, "model_uri"):
                yield f"{path}.parameters[{index}]", f"{server.name} takes no {quote(name)}"


def _missing_parameters(obj: Object) -> Iterator[Finding]:
    for path, unit, _ in each_unit(obj):
        server = known_servers().get(unit.get("implementation") or "")
        if server is None or not unit.get("modelUri"):
            continue
        given = {each.get("name") for each in unit.get("parameters") or []}
        if server.model_parameter and server.model_parameter not in given:
            asked = f"set its parameter {server.model_parameter} to {MODELS_MOUNT}"
            yield f"{path}.modelUri", f"{server.name} does not look there by itself: {asked}"
        for name in server.needed:
            if name not in given:
                yield f"{path}.parameters", f"{server.name} needs the parameter {name}"


def _methods_under_v2(obj: Object) -> Iterator[Finding]:
    if obj["spec"].get("protocol") not in ("v2", "kfserving"):
        return
    for path, unit, predictor in each_unit(obj):
        container = find_container(predictor, unit["name"]) or {}
        server = our_server(container) or known_servers().get(unit.get("implementation") or "")
        if server is None or _METHOD not in server.parameters:
            continue
        for index, parameter in enumerate(unit.get("parameters") or []):
            if parameter.get("name") == _METHOD:
                yield f"{path}.parameters[{index}]", "method is read under protocol seldon alone"


def _unknown_explainers(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        kind = (predictor.get("explainer") or {}).get("type")
        if kind and kind not in _EXPLAINERS:
            known = ", ".join(_EXPLAINERS)
            yield f"{path}.explainer.type", f"{quote(kind)} is none of {known}"


def _untyped_explainers(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        explainer = predictor.get("explainer")
        if explainer and not explainer.get("type"):
            yield f"{path}.explainer.type", "an explainer without a type counts as absent"


def _routers_without_children(obj: Object) -> Iterator[Finding]:
    for path, unit, _ in each_unit(obj):
        if unit.get("type") == "ROUTER" and not unit.get("children"):
            yield f"{path}.children", "a router has nothing to choose from"


def _combiners_of_few(obj: Object) -> Iterator[Finding]:
    for path, unit, _ in each_unit(obj):
        count = len(unit.get("children") or [])
        if unit.get("type") == "COMBINER" and count < 2:
            yield f"{path}.children", f"a combiner has {count} to combine"


def _ab_tests(obj: Object) -> Iterator[tuple[str, Object]]:
    for path, unit, _ in each_unit(obj):
        if unit.get("implementation") == _AB_TEST:
            yield path, unit


def _ab_tests_of_other_than_two(obj: Object) -> Iterator[Finding]:
    for path, unit in _ab_tests(obj):
        count = len(unit.get("children") or [])
        if count != 2:
            yield f"{path}.children", f"an A/B test of two has {count}"


def _ab_tests_without_ratio(obj: Object) -> Iterator[Finding]:
    for path, unit in _ab_tests(obj):
        parameters = unit.get("parameters") or []
        if [each["name"] for each in parameters] != ["ratioA"]:
            yield f"{path}.parameters", "ratioA is not the one parameter, so it is 0.5"
        elif not _is_share(parameters[0]["value"]):
            value = quote(parameters[0]["value"])
            yield f"{path}.parameters[0].value", f"{value} is no share between 0 and 1"


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _ab_tests_called_routers(obj: Object) -> Iterator[Finding]:
    for path, unit in _ab_tests(obj):
        if unit.get("type") == "ROUTER":
            yield (
                f"{path}.type",
                "a ROUTER is asked over the network, and RANDOM_ABTEST is no server",
            )


def _not_in_executor(obj: Object) -> Iterator[Finding]:
    for path, unit, _ in each_unit(obj):
        implementation = unit.get("implementation")
        if implementation in _NOT_IN_EXECUTOR:
            yield f"{path}.implementation", f"{implementation} does nothing"


def _loggers_without_engine(obj: Object) -> Iterator[Finding]:
    for path, unit, predictor in each_unit(obj):
        without = (predictor.get("annotations") or {}).get(NO_ENGINE_ANNOTATION) == "true"
        if without and unit.get("logger"):
            yield f"{path}.logger", f"nothing is logged with {NO_ENGINE_ANNOTATION}"


RULES = (
    Rule(
        "unknown-type",
        "warning",
        "the orchestrator does not call a unit whose type it does not know",
        _unknown(lambda unit: [("type", unit.get("type", ""))], _TYPES),
    ),
    Rule(
        "unknown-method",
        "warning",
        "the orchestrator passes over a method that it does not know",
        _unknown(_methods, _METHODS),
    ),
    Rule(
        "unknown-parameter-type",
        "warning",
        "Seldon's Python servers end at start on a parameter of a type they do not know",
        _unknown(_parameter_types, tuple(_READERS)),
    ),
    Rule(
        "parameter-value",
        "warning",
        "Seldon's Python servers end at start on a parameter that is not of its type",
        _bad_parameters,
    ),
    Rule(
        "unread-parameters",
        "warning",
        "MLServer is configured by its own environment and model-settings.json",
        _unread_parameters,
    ),
    Rule(
        "untaken-parameters",
        "warning",
        "on a cluster Seldon's image ends at start on a parameter that its class does not take; a "
        "server of ours may take it",
        _untaken_parameters,
    ),
    Rule(
        "missing-parameters",
        "warning",
        "on a cluster the server does not start, or serves another model",
        _missing_parameters,
    ),
    Rule(
        "method-under-v2",
        "warning",
        "under v2 each request asks for what it wants, as in "
        '{"outputs": [{"name": "predict_proba"}]}',
        _methods_under_v2,
    ),
    Rule(
        "unknown-endpoint-type",
        "warning",
        "only these choose a port and a protocol",
        _unknown(
            lambda unit: [("endpoint.type", (unit.get("endpoint") or {}).get("type", ""))],
            _ENDPOINTS,
        ),
    ),
    Rule(
        "unknown-logger-mode",
        "warning",
        "the orchestrator logs nothing in a mode that it does not know",
        _unknown(
            lambda unit: [("logger.mode", (unit.get("logger") or {}).get("mode", ""))],
            _LOGGER_MODES,
        ),
    ),
    Rule(
        "unknown-explainer-type",
        "warning",
        "the operator hands the type on unread to a server that has these only",
        _unknown_explainers,
    ),
    Rule(
        "explainer-without-type",
        "warning",
        "the operator makes no explainer, and says nothing",
        _untyped_explainers,
    ),
    Rule(
        "router-without-children",
        "warning",
        "a router is asked only where it has children: requests are answered with themselves",
        _routers_without_children,
    ),
    Rule(
        "combiner-children",
        "warning",
        "a combiner makes one answer of several",
        _combiners_of_few,
    ),
    Rule(
        "abtest-children",
        "warning",
        "it chooses the first or the second child: the connection is closed without an answer "
        "where that is not there, and a third is never chosen",
        _ab_tests_of_other_than_two,
    ),
    Rule(
        "abtest-ratio",
        "warning",
        "ratioA is read where it is the only parameter, else it is 0.5",
        _ab_tests_without_ratio,
    ),
    Rule(
        "abtest-type",
        "warning",
        "with type ROUTER the orchestrator calls an endpoint, where nothing listens",
        _ab_tests_called_routers,
    ),
    Rule(
        "not-in-executor",
        "warning",
        "the orchestrator of today has only RANDOM_ABTEST built in: without a type the unit "
        "passes requests through, with one it is called where nothing listens",
        _not_in_executor,
    ),
    Rule(
        "logger-without-engine",
        "warning",
        "the orchestrator is what logs requests",
        _loggers_without_engine,
    ),
)
