"""The operator's defaults: small cases of our own, then what Seldon's operator was seen to do."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from sdep_samples import custom_unit, deployment, pod, predictor, unit
from shared_data import load_record, needs_records, record_names

from seldon_deployer.manifest.defaulting import apply_defaults


def ports_of(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


def containers_of(obj: dict[str, Any], index: int = 0) -> list[dict[str, Any]]:
    filled = apply_defaults(obj, "models")
    components = filled["spec"]["predictors"][index]["componentSpecs"]
    return [container for one in components for container in one["spec"]["containers"]]


def test_a_prepackaged_server_gets_a_container_with_the_catalogues_image() -> None:
    (container,) = containers_of(deployment())

    assert container["name"] == "classifier"
    assert container["image"] == "seldonio/sklearnserver:1.17.1"
    assert ports_of(container) == {"metrics": 6000, "http": 9000, "grpc": 9500}
    assert container["volumeMounts"] == [{"name": "seldon-podinfo", "mountPath": "/etc/podinfo"}]


@pytest.mark.parametrize("protocol", ["v2", "kfserving"])
def test_the_v2_image_serves_both_names_of_the_protocol(protocol: str) -> None:
    (container,) = containers_of(deployment(protocol=protocol))

    assert container["image"] == "seldonio/mlserver:1.3.5-sklearn"


def test_what_the_user_wrote_wins() -> None:
    own = {
        "name": "classifier",
        "image": "mine:1",
        "imagePullPolicy": "Always",
        "ports": [{"name": "http", "containerPort": 7777}, {"name": "metrics", "containerPort": 1}],
    }
    obj = deployment(predictor(componentSpecs=[{"spec": {"containers": [own]}}]))

    filled = apply_defaults(obj, "models")
    first = filled["spec"]["predictors"][0]
    (container,) = first["componentSpecs"][0]["spec"]["containers"]

    assert container["image"] == "mine:1"
    assert container["imagePullPolicy"] == "Always"
    assert ports_of(container) == {"http": 7777, "metrics": 1, "grpc": 9500}
    assert first["graph"]["endpoint"] == {
        "service_host": "localhost",
        "service_port": 7777,
        "httpPort": 7777,
        "grpcPort": 9500,
    }


def test_a_container_that_is_no_unit_takes_a_number_and_gets_no_port() -> None:
    obj = deployment(predictor(componentSpecs=[pod("sidecar")]))

    sidecar, classifier = containers_of(obj)

    assert ports_of(sidecar) == {}
    assert ports_of(classifier) == {"metrics": 6000, "http": 9001, "grpc": 9501}


def test_a_name_keeps_its_ports_over_predictors_and_metrics_ports_grow() -> None:
    obj = deployment(predictor("a", traffic=50), predictor("b", traffic=50))

    assert ports_of(containers_of(obj, 1)[0]) == {"metrics": 6001, "http": 9000, "grpc": 9500}


def test_a_unit_in_another_pod_is_called_by_its_service() -> None:
    graph = custom_unit("first", children=[custom_unit("second")])
    obj = deployment(predictor(graph=graph, componentSpecs=[pod("first"), pod("second")]))

    filled = apply_defaults(obj, "models")["spec"]["predictors"][0]["graph"]

    assert filled["endpoint"]["service_host"] == "localhost"
    host = filled["children"][0]["endpoint"]["service_host"]
    assert host == "iris-default-second.models.svc.cluster.local"


def test_a_long_service_name_becomes_a_digest() -> None:
    long = "p-" + "x" * 60
    obj = deployment(
        predictor(long, graph=custom_unit(), componentSpecs=[pod("other"), pod("classifier")])
    )

    graph = apply_defaults(obj, "models")["spec"]["predictors"][0]["graph"]

    assert graph["endpoint"]["service_host"].startswith("seldon-")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("MODEL", "UNKNOWN_IMPLEMENTATION")),
        ({"type": "ROUTER"}, ("ROUTER", "UNKNOWN_IMPLEMENTATION")),
        ({"methods": ["ROUTE"]}, (None, "UNKNOWN_IMPLEMENTATION")),
        ({"implementation": "RANDOM_ABTEST"}, (None, "RANDOM_ABTEST")),
        ({"implementation": "SKLEARN_SERVER", "type": "ROUTER"}, ("MODEL", "SKLEARN_SERVER")),
    ],
)
def test_type_and_implementation(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    graph = {"name": "classifier", **fields}
    obj = deployment(predictor(graph=graph, componentSpecs=[pod("classifier")]))

    filled = apply_defaults(obj, "models")["spec"]["predictors"][0]["graph"]

    assert (filled.get("type"), filled["implementation"]) == expected


def test_a_built_in_unit_gets_neither_container_nor_endpoint() -> None:
    graph = {"name": "ab", "implementation": "RANDOM_ABTEST", "children": [unit("a"), unit("b")]}

    filled = apply_defaults(deployment(predictor(graph=graph)), "models")["spec"]["predictors"][0]

    assert "endpoint" not in filled["graph"]
    names = [one["name"] for one in filled["componentSpecs"][0]["spec"]["containers"]]
    assert names == ["a", "b"]


def test_the_argument_stays_as_it_was() -> None:
    obj = deployment(predictor(componentSpecs=[pod("classifier")]))
    before = deepcopy(obj)

    apply_defaults(obj, "models")

    assert obj == before


def test_defaults_once_filled_in_stay() -> None:
    once = apply_defaults(deployment(predictor("a"), predictor("b")), "models")

    assert apply_defaults(once, "models") == once


# What the operator adds to containers after defaulting; not this module's work.
LATER = {"args", "env", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"}
BESIDE = {"replicas", "engineResources", "svcOrchSpec", "traffic", "explainer"}


def recorded_predictors(objects: dict[str, Any]) -> dict[str, Any]:
    """The defaulted predictors, as the orchestrators of a record were given them."""
    found = {}
    for one in objects.get("Deployment", []):
        if one["metadata"]["name"].endswith("-svc-orch"):
            continue  # made before the units' ports are declared
        for container in one["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env", []):
                if variable["name"] == "ENGINE_PREDICTOR":
                    decoded = variable["_decoded"]
                    found[decoded["name"]] = decoded
    return found


def comparable(defaulted: dict[str, Any], *, is_v2: bool) -> dict[str, Any]:
    """What defaulting decides of a predictor."""
    kept = deepcopy({name: value for name, value in defaulted.items() if name not in BESIDE})
    kept["componentSpecs"] = [
        [
            {name: value for name, value in container.items() if name not in LATER | {"ports"}}
            | {
                "ports": {
                    (port["name"], port["containerPort"])
                    for port in container.get("ports", [])
                    # MLServer and Triton lose this port when their container is finished.
                    if not (is_v2 and port["name"] == "metrics")
                },
                "volumeMounts": [
                    mount
                    for mount in container.get("volumeMounts", [])
                    if mount["name"] == "seldon-podinfo"
                ],
            }
            for container in component["spec"]["containers"]
        ]
        for component in kept["componentSpecs"]
    ]
    return kept


@needs_records
@pytest.mark.parametrize(
    "name", [name for name in record_names() if not name.startswith("dyn_")] or [None]
)
def test_seldons_operator_defaulted_the_same(name: str) -> None:
    _, objects = load_record(name)
    resource = objects["SeldonDeployment"][0]
    filled = apply_defaults(resource, resource["metadata"]["namespace"])
    ours = {one["name"]: one for one in filled["spec"]["predictors"]}
    is_v2 = resource["spec"].get("protocol") in ("v2", "kfserving")

    for predictor_name, recorded in recorded_predictors(objects).items():
        assert comparable(ours[predictor_name], is_v2=is_v2) == comparable(recorded, is_v2=is_v2)
