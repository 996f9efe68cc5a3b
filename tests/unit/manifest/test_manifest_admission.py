"""The webhook's rules: each by a case that breaks it alone, then the published samples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sdep_samples import custom_unit, deployment, pod, predictor, unit
from shared_data import SHARED, load_documents, needs_samples

from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.crd import resource_schema
from seldon_deployer.manifest.schema import check_schema, prune, unknown_fields

SHADOW = {"shadow": True}
KAFKA = (
    "For kafka please supply svcOrchSpec envs KAFKA_BROKER, KAFKA_INPUT_TOPIC, KAFKA_OUTPUT_TOPIC"
)
NO_METHODS = (
    "Predictive Unit has no implementation methods defined. "
    "Change to a known type or add what methods it defines"
)
MIXED = (
    "Mixed transport types found. Remove graph endpoint.types if transport set at deployment level"
)
SEVERAL = "Multiple endpoint.types found - can only have 1 type in graph. Please use spec.transport"
ILLEGAL = "shadow traffic is illegal, the traffic number should be between [0, 100]"


def two(first: int | None = None, second: int | None = None, **fields: Any) -> list[dict[str, Any]]:
    """Two predictors with these shares of the traffic."""
    shares = [{} if share is None else {"traffic": share} for share in (first, second)]
    return [predictor("main", **shares[0]), predictor("other", **shares[1], **fields)]


def kafka(*names: str) -> dict[str, Any]:
    env = [{"name": name, "value": "x"} for name in names]
    return deployment(predictor(svcOrchSpec={"env": env}), serverType="kafka")


REJECTED = {
    "protocol": (
        deployment(protocol="grpc"),
        'spec: Invalid value: "grpc": Invalid protocol',
    ),
    "transport": (
        deployment(transport="http"),
        'spec: Invalid value: "http": Invalid transport',
    ),
    "server type": (
        deployment(serverType="rabbit"),
        'spec: Invalid value: "rabbit": Invalid serverType',
    ),
    "kafka without its environment": (
        kafka("KAFKA_BROKER", "KAFKA_INPUT_TOPIC"),
        f'spec.predictors[0]: Invalid value: "default": {KAFKA}',
    ),
    "lonely shadow": (
        deployment(predictor(**SHADOW)),
        'spec.predictors[0]: Invalid value: "default": Shadow can not exist as only predictor',
    ),
    "service name given twice": (
        deployment(
            predictor("a", traffic=50, annotations={"seldon.io/svc-name": "same"}),
            predictor("b", traffic=50, annotations={"seldon.io/svc-name": "same"}),
        ),
        (
            'spec.predictors[1]: Invalid value: "b": '
            "Found duplicate service name in seldon.io/svc-name with value same"
        ),
    ),
    "no predictors": (
        {"spec": {"predictors": [], "transport": "grpc"}},
        'spec: Invalid value: "grpc": Graph contains no predictors',
    ),
    "no specification": ({}, 'spec: Invalid value: "": Graph contains no predictors'),
    "no engine for two units": (
        deployment(
            predictor(
                graph=unit(children=[unit("next")]), annotations={"seldon.io/no-engine": "false"}
            )
        ),
        (
            'spec.predictors[0]: Invalid value: "default": '
            "Running without engine only valid for single element graphs"
        ),
    ),
    "predictor name given twice": (
        deployment(predictor("p", traffic=50), predictor("p", traffic=50)),
        'spec.predictors[1]: Invalid value: "p": Duplicate predictor name',
    ),
    "no container": (
        deployment(predictor(graph=custom_unit())),
        (
            'spec.predictors[0].graph: Invalid value: "classifier": '
            "Can't find container for Predictive Unit"
        ),
    ),
    "no container for a child's child": (
        deployment(
            predictor(graph=unit(children=[unit("a"), unit("b", children=[custom_unit("c")])]))
        ),
        (
            'spec.predictors[0].graph[1][0]: Invalid value: "c": '
            "Can't find container for Predictive Unit"
        ),
    ),
    "no methods": (
        deployment(
            predictor(
                graph={"name": "classifier", "type": "UNKNOWN_TYPE"},
                componentSpecs=[pod("classifier")],
            )
        ),
        f'spec.predictors[0].graph: Invalid value: "classifier": {NO_METHODS}',
    ),
    "no model": (
        deployment(predictor(graph={"name": "m", "implementation": "SKLEARN_SERVER"})),
        (
            'spec.predictors[0].graph: Invalid value: "m": '
            "Predictive unit modelUri required when using standalone servers"
        ),
    ),
    "server and tensorflow": (
        deployment(protocol="tensorflow"),
        (
            'spec.predictors[0].graph: Invalid value: "classifier": '
            "Prepackaged server does not handle tensorflow protocol SKLEARN_SERVER"
        ),
    ),
    "unknown server": (
        deployment(predictor(graph=unit(implementation="SKLEARN"))),
        (
            'spec.predictors[0].graph: Invalid value: "classifier": '
            "No entry in predictors map for SKLEARN"
        ),
    ),
    "logger without mode": (
        deployment(predictor(graph=unit(logger={"url": "http://sink"}))),
        'spec.predictors[0].graph: Invalid value: "": No logger mode specified',
    ),
    "several endpoint types": (
        deployment(
            predictor(
                graph=unit(
                    endpoint={"type": "REST"}, children=[unit("b", endpoint={"type": "GRPC"})]
                )
            )
        ),
        f'spec: Invalid value: "": {SEVERAL}',
    ),
    "endpoint type against transport": (
        deployment(predictor(graph=unit(endpoint={"type": "REST"})), transport="grpc"),
        f'spec: Invalid value: "": {MIXED}',
    ),
    "second shadow": (
        deployment(*two(100, None, **SHADOW), predictor("third", **SHADOW)),
        'spec: Invalid value: "third": Multiple shadows are not allowed',
    ),
    "shadow traffic": (
        deployment(*two(100, 101, **SHADOW)),
        f'spec: Invalid value: "other": {ILLEGAL}',
    ),
    "traffic of several": (
        deployment(*two(60, 50)),
        'spec: Invalid value: "main": Traffic must sum to 100 for multiple predictors',
    ),
    "traffic of one": (
        deployment(predictor(traffic=99)),
        'spec: Invalid value: "default": Traffic must sum be 100 for a single predictor when set',
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_each_rule_rejects_with_seldons_words(case: str) -> None:
    obj, expected = REJECTED[case]

    assert [str(violation) for violation in check_admission(obj)] == [expected]


@pytest.mark.parametrize(
    "obj",
    [
        deployment(),
        *(deployment(protocol=name) for name in ("seldon", "v2", "kfserving", "")),
        *(deployment(predictor(traffic=share)) for share in (0, 100, 150, -5)),
        deployment(*two(150, -50)),
        deployment(*two(None, None, **SHADOW)),
        deployment(*two(50, 100, **SHADOW)),
        kafka("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC", "MORE"),
        deployment(predictor(annotations={"seldon.io/no-engine": "true"})),
        deployment(predictor(graph={"name": "x", "implementation": "SIMPLE_MODEL"})),
        deployment(predictor(graph={"name": "x", "implementation": "HUGGINGFACE_SERVER"})),
        deployment(
            predictor(graph=unit(implementation="MINE"), componentSpecs=[pod("classifier")])
        ),
        deployment(predictor(graph=unit(type="NONSENSE", methods=["NONSENSE"]))),
        deployment(predictor(graph=custom_unit(), componentSpecs=[pod("a"), pod("classifier")])),
        deployment(
            predictor(
                graph={"name": "m", "type": "UNKNOWN_TYPE", "methods": ["TRANSFORM_INPUT"]},
                componentSpecs=[pod("m")],
            )
        ),
        deployment(predictor(graph=unit(endpoint={"type": "GRPC"})), transport="grpc"),
    ],
)
def test_what_seldon_accepts_is_accepted(obj: dict[str, Any]) -> None:
    assert check_admission(obj) == []


def test_all_violations_are_told_at_once_in_the_webhooks_order() -> None:
    obj = deployment(
        predictor(graph=custom_unit(children=[custom_unit("child")]), traffic=30),
        predictor(graph=custom_unit()),
        protocol="x",
        transport="y",
    )

    messages = [str(violation).rpartition(": ")[2] for violation in check_admission(obj)]

    assert messages == [
        "Invalid protocol",
        "Invalid transport",
        "Can't find container for Predictive Unit",
        "Can't find container for Predictive Unit",
        "Duplicate predictor name",
        "Can't find container for Predictive Unit",
        "Traffic must sum to 100 for multiple predictors",
    ]


def verdicts() -> list[dict[str, Any]]:
    path = SHARED / "samples" / "verdicts.json"
    return json.loads(path.read_text()) if path.exists() else []


def resources(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of kind SeldonDeployment in a document, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from resources(item)
    elif isinstance(value, dict):
        if value.get("kind") == "SeldonDeployment":
            yield value
        else:
            yield from resources(list(value.values()))


def judge(obj: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """The API server's message for a POST of `obj`, put together as it does; None: accepted."""
    name = (obj.get("metadata") or {}).get("name", "")
    head = f'SeldonDeployment.machinelearning.seldon.io "{name}" is invalid: '
    if not name:
        return f"{head}metadata.name: Required value: name or generateName is required"
    pruned = prune(schema, obj)
    if violations := check_schema(schema, pruned):
        return head + ", ".join(map(str, violations))
    if violations := check_admission(pruned):
        text = ", ".join(map(str, violations))
        inner = pruned["spec"].get("name", "")
        return (
            'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
            f'SeldonDeployment.machinelearing.seldon.io "{inner}" is invalid: '
            + (f"[{text}]" if len(violations) > 1 else text)
        )
    return None


@needs_samples
def test_the_published_samples_get_their_recorded_verdicts() -> None:
    schema = resource_schema()
    recorded = verdicts()
    wrong = []
    for file in sorted({verdict["file"] for verdict in recorded}):
        found = list(resources(load_documents(SHARED / "samples" / file)))
        expected = [verdict for verdict in recorded if verdict["file"] == file]
        assert len(found) == len(expected), file
        for obj, verdict in zip(found, expected, strict=True):
            fields = re.findall(r'unknown field \\"(.*?)\\"', verdict["unknown_fields"] or "")
            if (judge(obj, schema), unknown_fields(schema, obj)) != (verdict["message"], fields):
                wrong.append((file, judge(obj, schema), verdict["message"]))
    assert wrong == []
    assert len(recorded) == 107
