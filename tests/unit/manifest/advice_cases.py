"""For each rule of advice: what it speaks of, and what it passes."""

from __future__ import annotations

from typing import Any

from sdep_samples import changed, custom_unit, deployment, pod, predictor, unit

NO_ENGINE = "seldon.io/no-engine"
SEPARATE = "seldon.io/engine-separate-pod"
GRAPH = "spec.predictors[0].graph"
FIRST = "spec.predictors[0].componentSpecs[0]"
MINE = {"spec": {"containers": [{"name": "classifier", "image": "mine"}]}}
SCALED = {**MINE, "hpaSpec": {"maxReplicas": 3}}
REQUESTS = {"resources": {"requests": {"cpu": "1"}}}


def of(graph: dict[str, Any], *components: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A deployment of one graph; every unit without a server gets a container."""
    names = [each["name"] for each in walk(graph) if not each.get("implementation")]
    given = list(components) or ([pod(*names)] if names else [])
    fields = {"componentSpecs": given} if given else {}
    return deployment(predictor(graph=graph, **fields), **{"replicas": 1, **spec})


def with_volume(**sources: Any) -> dict[str, Any]:
    volume = {"name": "v", **sources}
    return of(custom_unit("m"), {"spec": {**pod("m")["spec"], "volumes": [volume]}})


def walk(graph: dict[str, Any]) -> list[dict[str, Any]]:
    return [graph, *(each for child in graph.get("children", []) for each in walk(child))]


def with_parameter(kind: str, value: str) -> dict[str, Any]:
    return of(custom_unit(parameters=[{"name": "p", "type": kind, "value": value}]))


def hugging_face(**given: str) -> dict[str, Any]:
    parameters = [{"name": n, "type": "STRING", "value": v} for n, v in given.items()]
    return unit(implementation="HUGGINGFACE_SERVER", parameters=parameters)


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
                of(unit(parameters=[{"name": "n", "type": "STRING", "value": "predict"}]),
                   protocol="v2"),
                f"{GRAPH}.parameters",
            )
        ],
        [
            of(unit(parameters=[{"name": "n", "type": "STRING", "value": "predict"}])),
            of(unit(), protocol="v2"),
        ],
    ),
    "untaken-parameters": (
        [
            (
                of(
                    unit(
                        implementation="XGBOOST_SERVER",
                        parameters=[{"name": "method", "type": "STRING", "value": "raw"}],
                    )
                ),
                f"{GRAPH}.parameters[0]",
            ),
            (
                of(unit(parameters=[{"name": "max_batch_size", "type": "INT", "value": "8"}])),
                f"{GRAPH}.parameters[0]",
            ),
        ],
        [
            of(unit(parameters=[{"name": "method", "type": "STRING", "value": "predict"}])),
            of(unit(parameters=[{"name": "n", "type": "INT", "value": "8"}]), protocol="v2"),
            of(
                unit(parameters=[{"name": "n", "type": "INT", "value": "8"}]),
                MINE,
            ),
            of(custom_unit(parameters=[{"name": "anything", "type": "INT", "value": "8"}])),
        ],
    ),
    "missing-parameters": (
        [
            (of(hugging_face(pretrained_model="/m"), protocol="v2"), f"{GRAPH}.parameters"),
            (of(hugging_face(task="fill-mask"), protocol="v2"), f"{GRAPH}.modelUri"),
        ],
        [
            of(hugging_face(task="fill-mask", pretrained_model="/mnt/models"), protocol="v2"),
            of(unit()),
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
    "replicas-beside-autoscaler": (
        [
            (of(custom_unit("m"), {**pod("m"), "replicas": 2, "hpaSpec": {"maxReplicas": 3}}),
             f"{FIRST}.replicas"),
            (deployment(predictor(replicas=2, componentSpecs=[SCALED])),
             "spec.predictors[0].replicas"),
            (deployment(predictor(replicas=2, componentSpecs=[{**MINE, "replicas": 3}, SCALED])),
             "spec.predictors[0].replicas"),
        ],
        [
            of(custom_unit("m"), {**pod("m"), "replicas": 2}),
            # The other component is of that size.
            deployment(predictor(replicas=2, componentSpecs=[MINE, SCALED])),
            deployment(predictor(componentSpecs=[SCALED]), replicas=2),
        ],
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
        [
            (of(unit(modelURI="s3://x")), f"{GRAPH}.modelURI"),
            (with_volume(configMapp={}), f"{FIRST}.spec.volumes[0].configMapp"),
            (with_volume(configMap={"nam": "x"}), f"{FIRST}.spec.volumes[0].configMap.nam"),
        ],
        [
            of(unit()),
            with_volume(configMap={"name": "x", "optional": True}),
            with_volume(emptyDir=None, csi={"driver": "x"}),
        ],
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
