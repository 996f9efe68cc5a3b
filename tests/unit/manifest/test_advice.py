"""Advice: each rule by a case that it speaks of and one that it does not, then the records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sdep_samples import changed, custom_unit, deployment, pod, predictor, unit
from shared_data import SHARED, load_record, needs_records, needs_samples, record_names

from seldon_deployer.manifest.advice import RULES, check_advice
from seldon_deployer.manifest.documents import find_resources, read_documents
from seldon_deployer.manifest.verdict import judge

NO_ENGINE = "seldon.io/no-engine"
SEPARATE = "seldon.io/engine-separate-pod"
GRAPH = "spec.predictors[0].graph"
FIRST = "spec.predictors[0].componentSpecs[0]"
REQUESTS = {"resources": {"requests": {"cpu": "1"}}}


def of(graph: dict[str, Any], *components: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A deployment of one graph; every unit without a server gets a container."""
    names = [each["name"] for each in walk(graph) if not each.get("implementation")]
    given = list(components) or ([pod(*names)] if names else [])
    fields = {"componentSpecs": given} if given else {}
    return deployment(predictor(graph=graph, **fields), **{"replicas": 1, **spec})


def walk(graph: dict[str, Any]) -> list[dict[str, Any]]:
    return [graph, *(each for child in graph.get("children", []) for each in walk(child))]


def with_parameter(kind: str, value: str) -> dict[str, Any]:
    return of(custom_unit(parameters=[{"name": "p", "type": kind, "value": value}]))


def ab_test(*children: str, ratio: str | None = "0.5", **fields: Any) -> dict[str, Any]:
    parameters = [{"name": "ratioA", "type": "FLOAT", "value": ratio}] if ratio else []
    below = [custom_unit(name) for name in children or ("a", "b")]
    graph = {"name": "ab", "implementation": "RANDOM_ABTEST", **fields}
    return of({**graph, "parameters": parameters, "children": below})


def shares(*given: int | None, **last: Any) -> dict[str, Any]:
    predictors = [
        predictor(f"p{index}", **({} if share is None else {"traffic": share}))
        for index, share in enumerate(given)
    ]
    predictors[-1] |= last
    return deployment(*predictors, replicas=1)


def scaled(hpa: dict[str, Any], **container: Any) -> dict[str, Any]:
    component = changed(
        pod("m"), "spec", "containers", 0, to={"name": "m", "image": "x", **container}
    )
    return of(custom_unit("m"), {**component, "hpaSpec": {"maxReplicas": 3, **hpa}})  # fmt: skip


def annotated(at: str, key: str, value: str = "true") -> dict[str, Any]:
    obj = of(unit())
    place = {"metadata": obj["metadata"], "spec": obj["spec"]}.get(at, obj["spec"]["predictors"][0])
    place["annotations"] = {key: value}
    return obj


UTILIZATION = {
    "metricsv2": [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 70},
            },
        }
    ]
}
OLD_UTILIZATION = {
    "metrics": [{"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 70}}]
}
ABSOLUTE = {
    "metricsv2": [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}},
        }
    ]
}

# rule -> cases that it speaks of, with the field; and cases that it passes.
CASES: dict[str, tuple[list[tuple[dict[str, Any], str]], list[dict[str, Any]]]] = {
    "name-characters": (
        [
            (deployment(name="iris.v1"), "metadata.name"),
            (deployment(name="1iris"), "metadata.name"),
            (deployment(name="iris_1"), "metadata.name"),
            (deployment(predictor("p.1")), "spec.predictors[0].name"),
            (deployment(predictor("P")), "spec.predictors[0].name"),
            (deployment(predictor("")), "spec.predictors[0].name"),
            (of(unit("my.unit")), f"{GRAPH}.name"),
            (of(unit("my_unit")), f"{GRAPH}.name"),
            (of(unit("Unit")), f"{GRAPH}.name"),
            (of(custom_unit("a_b")), f"{GRAPH}.name"),
            (of(unit(children=[unit("a.b")])), f"{GRAPH}.children[0].name"),
            (
                deployment(predictor(annotations={"seldon.io/svc-name": "a.b"})),
                "spec.predictors[0].annotations[seldon.io/svc-name]",
            ),
        ],
        [
            deployment(),
            deployment(predictor("1"), predictor("p-" + "x" * 60)),
            deployment(predictor(annotations={"seldon.io/svc-name": "my-service"})),
            changed(deployment(), "metadata", to={"generateName": "iris-"}),
            ab_test(name="ab.test"),
        ],
    ),
    "container-name": (
        [
            (of(unit(), pod("side_car")), f"{FIRST}.spec.containers[0].name"),
            (of(unit(), pod("x" * 64)), f"{FIRST}.spec.containers[0].name"),
            (
                of(unit(), pod("a", initContainers=[{"name": "A", "image": "i"}])),
                f"{FIRST}.spec.initContainers[0].name",
            ),
        ],
        [of(unit(), pod("side-car")), of(custom_unit("a_b"))],
    ),
    "unit-name-length": (
        [(of(unit("u" * 49)), f"{GRAPH}.name")],
        [of(unit("u" * 48)), ab_test(name="u" * 49)],
    ),
    "duplicate-unit": (
        [(of(unit(children=[unit()])), f"{GRAPH}.children[0].name")],
        [of(unit(children=[unit("other")])), shares(50, 50)],
    ),
    "name-replaced": (
        [(deployment(predictor("p-" + "x" * 60)), "metadata.name")],
        [deployment()],
    ),
    "container-without-image": (
        [
            (of(custom_unit("m"), {"spec": {"containers": [{"name": "m"}]}}),
             f"{FIRST}.spec.containers[0].image"),
            (of(unit(), {"spec": {"containers": [{"name": "side"}]}}),
             f"{FIRST}.spec.containers[0].image"),
        ],
        [of(custom_unit("m")), of(unit("m"), {"spec": {"containers": [{"name": "m"}]}})],
    ),
    "unknown-implementation": (
        [(of(unit("m", implementation="MY_SERVER"), pod("m")), f"{GRAPH}.implementation")],
        [of(unit()), of(unit("m", implementation="MY_SERVER")), of(custom_unit("m"))],
    ),
    "server-protocol": (
        [
            (of(unit(implementation="TRITON_SERVER")), f"{GRAPH}.implementation"),
            (of(unit(implementation="TRITON_SERVER"), protocol="tensorflow"),
             f"{GRAPH}.implementation"),
            (of(unit(implementation="TENSORFLOW_SERVER"), protocol="v2"),
             f"{GRAPH}.implementation"),
        ],
        [
            of(unit(implementation="TRITON_SERVER"), protocol="kfserving"),
            of(unit("m", implementation="TRITON_SERVER"), pod("m")),
            of(unit(), protocol="tensorflow"),
            of(unit(), protocol="unheard-of"),
        ],
    ),
    "engine-place": (
        [
            (of({"name": "s", "implementation": "SIMPLE_MODEL"}),
             "spec.predictors[0].componentSpecs"),
            (of(custom_unit("m"), pod("other"), pod("m")), "spec.predictors[0].componentSpecs"),
        ],
        [
            of(custom_unit("m")),
            of(custom_unit("m"), pod("other"), pod("m"), annotations={SEPARATE: "true"}),
            of(unit(), pod("other")),
            of(custom_unit("m"), pod("other")),
            deployment(
                predictor(
                    graph=custom_unit("m"),
                    componentSpecs=[pod("other"), pod("m")],
                    annotations={NO_ENGINE: "true"},
                )
            ),
        ],
    ),
    "container-in-two-components": (
        [(of(custom_unit("m"), pod("m"), pod("m")), f"{GRAPH}.name")],
        [of(custom_unit("m"), pod("m", "side"), pod("side"))],
    ),
    "unknown-type": (
        [(of(custom_unit(type="CLASSIFIER")), f"{GRAPH}.type")],
        [of(custom_unit(type="OUTPUT_TRANSFORMER")), of(unit())],
    ),
    "unknown-method": (
        [(of(custom_unit(methods=["AGGREGATE", "PREDICT"])), f"{GRAPH}.methods[1]")],
        [of(custom_unit(methods=["TRANSFORM_INPUT"]))],
    ),
    "unknown-parameter-type": (
        [(with_parameter("NUMBER", "1"), f"{GRAPH}.parameters[0].type")],
        [with_parameter("DOUBLE", "1")],
    ),
    "parameter-value": (
        [
            (with_parameter("INT", "1.5"), f"{GRAPH}.parameters[0].value"),
            (with_parameter("FLOAT", "half"), f"{GRAPH}.parameters[0].value"),
            (with_parameter("BOOL", "maybe"), f"{GRAPH}.parameters[0].value"),
        ],
        [
            with_parameter("INT", "3"),
            with_parameter("FLOAT", "1e-3"),
            with_parameter("BOOL", "False"),
            with_parameter("NUMBER", "x"),
        ],
    ),
    "unread-parameters": (
        [
            (
                of(unit(parameters=[{"name": "method", "type": "STRING", "value": "predict"}]),
                   protocol="v2"),
                f"{GRAPH}.parameters",
            )
        ],
        [
            of(unit(parameters=[{"name": "method", "type": "STRING", "value": "predict"}])),
            of(unit(), protocol="v2"),
        ],
    ),
    "unknown-endpoint-type": (
        [(of(unit(endpoint={"type": "HTTP"})), f"{GRAPH}.endpoint.type")],
        [of(unit(endpoint={"type": "GRPC"}))],
    ),
    "unknown-logger-mode": (
        [(of(unit(logger={"mode": "both"})), f"{GRAPH}.logger.mode")],
        [of(unit(logger={"mode": "all"}))],
    ),
    "unknown-explainer-type": (
        [(deployment(predictor(explainer={"type": "Lime"})), "spec.predictors[0].explainer.type")],
        [deployment(predictor(explainer={"type": "AnchorTabular"}))],
    ),
    "explainer-without-type": (
        [
            (deployment(predictor(explainer={"modelUri": "gs://x"})),
             "spec.predictors[0].explainer.type")
        ],
        [deployment(predictor(explainer={"type": "ALE"}))],
    ),
    "router-without-children": (
        [(of(custom_unit(type="ROUTER")), f"{GRAPH}.children")],
        [of(custom_unit(type="ROUTER", children=[custom_unit("a")]))],
    ),
    "combiner-children": (
        [
            (of(custom_unit(type="COMBINER", children=[custom_unit("a")])), f"{GRAPH}.children"),
            (of(custom_unit(type="COMBINER")), f"{GRAPH}.children"),
        ],
        [of(custom_unit(type="COMBINER", children=[custom_unit("a"), custom_unit("b")]))],
    ),
    "abtest-children": (
        [(ab_test("a"), f"{GRAPH}.children"), (ab_test("a", "b", "c"), f"{GRAPH}.children")],
        [ab_test()],
    ),
    "abtest-ratio": (
        [
            (ab_test(ratio=None), f"{GRAPH}.parameters"),
            (ab_test(ratio="50"), f"{GRAPH}.parameters[0].value"),
            (ab_test(ratio="half"), f"{GRAPH}.parameters[0].value"),
        ],
        [ab_test(ratio="1")],
    ),
    "abtest-type": (
        [(ab_test(type="ROUTER"), f"{GRAPH}.type")],
        [ab_test(type="UNKNOWN_TYPE"), ab_test()],
    ),
    "not-in-executor": (
        [
            (of({"name": "c", "implementation": "AVERAGE_COMBINER", "children": [unit()]}),
             f"{GRAPH}.implementation")
        ],
        [ab_test()],
    ),
    "logger-without-engine": (
        [
            (
                deployment(
                    predictor(
                        graph=unit(logger={"mode": "all"}), annotations={NO_ENGINE: "true"}
                    )
                ),
                f"{GRAPH}.logger",
            )
        ],
        [of(unit(logger={"mode": "all"}))],
    ),
    "no-replicas": (
        [
            (deployment(), "spec.predictors[0].replicas"),
            (
                deployment(predictor(componentSpecs=[{**pod("a"), "replicas": 1}, pod("b")])),
                "spec.predictors[0].replicas",
            ),
        ],
        [
            deployment(replicas=0),
            deployment(predictor(replicas=1)),
            deployment(predictor(componentSpecs=[{**pod("a"), "replicas": 1}])),
            deployment(predictor(componentSpecs=[{**pod("a"), "hpaSpec": {"maxReplicas": 2}}])),
        ],
    ),
    "replicas-beside-autoscaler": (
        [
            (of(custom_unit("m"), {**pod("m"), "replicas": 2, "hpaSpec": {"maxReplicas": 3}}),
             f"{FIRST}.replicas")
        ],
        [of(custom_unit("m"), {**pod("m"), "replicas": 2})],
    ),
    "hpa-without-requests": (
        [
            (scaled(UTILIZATION), f"{FIRST}.hpaSpec"),
            (scaled(OLD_UTILIZATION), f"{FIRST}.hpaSpec"),
            (scaled({}), f"{FIRST}.hpaSpec"),
            (scaled(UTILIZATION, resources={"requests": {"memory": "1Gi"}}), f"{FIRST}.hpaSpec"),
            (of(unit(), {"spec": {"containers": []}, "hpaSpec": {"maxReplicas": 3}}),
             f"{FIRST}.hpaSpec"),
        ],
        [
            scaled(UTILIZATION, **REQUESTS),
            scaled(UTILIZATION, resources={"limits": {"cpu": "1"}}),
            scaled(ABSOLUTE),
            of(unit()),
        ],
    ),
    "traffic-range": (
        [
            (shares(150), "spec.predictors[0].traffic"),
            (shares(100, -5), "spec.predictors[1].traffic"),
        ],
        [shares(None), shares(25, 75)],
    ),
    "traffic-of-one": (
        [(shares(0), "spec.predictors[0].traffic")],
        [shares(100), shares(None), shares(0, 100)],
    ),
    "traffic-beside-shadow": (
        [
            (shares(None, None, shadow=True), "spec.predictors[0].traffic"),
            (shares(50, 50, shadow=True), "spec.predictors[0].traffic"),
        ],
        [shares(100, None, shadow=True), shares(50, 50), shares(None)],
    ),
    "traffic-all-or-nothing": (
        [(shares(100, 0), "spec.predictors[1].traffic")],
        [shares(99, 1), shares(100, 0, shadow=True), shares(0)],
    ),
    "unknown-field": (
        [(of(unit(modelURI="s3://x")), f"{GRAPH}.modelURI")],
        [of(unit())],
    ),
    "engine-resources": (
        [
            (deployment(predictor(engineResources={"requests": {"cpu": "1"}})),
             "spec.predictors[0].engineResources")
        ],
        [deployment(predictor(svcOrchSpec={"resources": {"requests": {"cpu": "1"}}}))],
    ),
    "misplaced-annotation": (
        [
            (annotated("metadata", SEPARATE), f"metadata.annotations[{SEPARATE}]"),
            (annotated("predictor", SEPARATE), f"spec.predictors[0].annotations[{SEPARATE}]"),
            (annotated("metadata", NO_ENGINE), f"metadata.annotations[{NO_ENGINE}]"),
            (annotated("spec", NO_ENGINE), f"spec.annotations[{NO_ENGINE}]"),
            (
                annotated("metadata", "seldon.io/rest-timeout", "1000"),
                "metadata.annotations[seldon.io/rest-timeout]",
            ),
        ],
        [
            annotated("spec", SEPARATE),
            annotated("predictor", NO_ENGINE),
            annotated("spec", "seldon.io/rest-timeout", "1000"),
            annotated("metadata", "seldon.io/headless-svc"),
        ],
    ),
    "old-annotation": (
        [
            (
                annotated("spec", "seldon.io/rest-read-timeout", "1000"),
                "spec.annotations[seldon.io/rest-read-timeout]",
            )
        ],
        [annotated("spec", "seldon.io/rest-timeout", "1000")],
    ),
    "no-engine-value": (
        [
            (
                annotated("predictor", NO_ENGINE, "false"),
                f"spec.predictors[0].annotations[{NO_ENGINE}]",
            )
        ],
        [annotated("predictor", NO_ENGINE), of(unit())],
    ),
}  # fmt: skip


def fields(obj: dict[str, Any], rule: str) -> list[str]:
    return [each.field for each in check_advice(obj) if each.rule == rule]


def test_every_rule_has_its_cases():
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_speaks_of_its_cases_and_of_no_others(rule: str):
    speaks, passes = CASES[rule]
    for obj, field in speaks:
        assert fields(obj, rule) == [field]
        assert rule not in {each.rule for each in check_advice(obj, ignore=[rule])}
    for obj in passes:
        assert fields(obj, rule) == []


def test_errors_come_first_and_make_a_resource_invalid():
    obj = deployment(predictor(graph=unit("a_b")))
    assert [each.severity for each in check_advice(obj)] == ["error", "warning"]
    verdict = judge(obj)
    assert not verdict.is_valid
    assert [each.rule for each in verdict.errors] == ["name-characters"]
    assert [each.rule for each in verdict.warnings] == ["no-replicas"]
    assert judge(obj, ignore=["name-characters"]).is_valid


def test_advice_is_given_for_v1alpha2_and_for_nulls():
    obj = {**deployment(spec=None), "apiVersion": "machinelearning.seldon.io/v1alpha2"}
    obj["spec"]["annotations"] = obj["spec"]["predictors"][0]["children"] = None
    assert {each.rule for each in check_advice(obj)} == {"no-replicas", "unknown-field"}


def served(name: str) -> bool:
    """Whether a recorded case was ever Available."""
    lines = (SHARED / "operator-records" / name / "status.jsonl").read_text().splitlines()
    return any(json.loads(line)["status"].get("state") == "Available" for line in lines)


@needs_records
def test_no_error_is_told_of_what_the_real_operator_served():
    names = [name for name in record_names() if has_status(name) and served(name)]
    assert len(names) > 50
    wrong = {
        name: [str(each) for each in judge(obj).errors]
        for name in names
        for obj in load_record(name)[0]
        if judge(obj).errors
    }
    assert wrong == {}


def has_status(name: str) -> bool:
    return (SHARED / "operator-records" / name / "status.jsonl").exists()


FAILED = {
    "dots_container": "name-characters",
    "dots_predictor": "name-characters",
    "underscore_container": "name-characters",
    "uppercase_container": "name-characters",
    "long_container": "unit-name-length",
    "triton_seldon_protocol": "server-protocol",
}


@needs_records
@pytest.mark.parametrize("name", FAILED)
def test_what_the_real_operator_failed_on_has_its_error(name: str):
    assert not served(name)
    [obj] = load_record(name)[0]
    assert [each.rule for each in judge(obj).errors] == [FAILED[name]]


@needs_samples
def test_no_error_is_told_of_the_published_samples():
    wrong = []
    for path in sorted((SHARED / "samples").iterdir()):
        if path.name == "verdicts.json":
            continue
        for document in read_documents(path.read_text()):
            for obj in find_resources(document):
                verdict = judge(obj)
                wrong += [(path.name, each) for each in verdict.errors if not verdict.violations]
    assert wrong == []
