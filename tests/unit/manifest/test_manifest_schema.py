"""The schema's verdicts. The wording was compared with kube-apiserver 1.34.4, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdep_samples import MISSING, changed, deployment, pod, predictor

from seldon_deployer.manifest.crd import resource_schema
from seldon_deployer.manifest.schema import check_schema, fill_defaults, prune, unknown_fields

SCHEMA = resource_schema()
BASE = deployment(predictor(componentSpecs=[pod("classifier")]))
FIRST = ("spec", "predictors", 0)
GRAPH = (*FIRST, "graph")
CONTAINER = (*FIRST, "componentSpecs", 0, "spec", "containers", 0)

AFFINITY = "spec.predictors[0].componentSpecs[0].spec.affinity"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PORTS = "spec.predictors[0].componentSpecs[0].spec.containers[0].ports"


def wrong_type(path: str, wanted: str, got: str) -> str:
    return f'{path}: Invalid value: "{got}": {path} in body must be of type {wanted}: "{got}"'


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("spec", "replicas"), "3", [wrong_type("spec.replicas", "integer", "string")]),
        (("spec", "replicas"), 1.5, [wrong_type("spec.replicas", "integer", "number")]),
        (("spec", "replicas"), True, [wrong_type("spec.replicas", "integer", "boolean")]),
        (("spec", "replicas"), 2**70, [wrong_type("spec.replicas", "integer", "number")]),
        (("spec", "replicas"), 2.0, []),
        (("spec", "annotations"), [], [wrong_type("spec.annotations", "object", "array")]),
        (
            ("spec", "annotations"),
            {"a.b/c": 1},
            [wrong_type("spec.annotations.a.b/c", "string", "integer")],
        ),
        (("spec",), MISSING, []),
        (("spec", "predictors"), MISSING, ["spec.predictors: Required value"]),
        (("spec", "predictors"), [], []),
        ((*FIRST, "graph"), MISSING, ["spec.predictors[0].graph: Required value"]),
        ((*GRAPH, "name"), None, ["spec.predictors[0].graph.name: Required value"]),
        (
            (*GRAPH, "children"),
            [{"type": "MODEL"}],
            ["spec.predictors[0].graph.children[0].name: Required value"],
        ),
        (
            (*GRAPH, "children"),
            [None],
            [wrong_type("spec.predictors[0].graph.children[0]", "object", "null")],
        ),
        (
            (*GRAPH, "parameters"),
            [{"name": "a", "value": True}],
            [
                "spec.predictors[0].graph.parameters[0].type: Required value",
                wrong_type("spec.predictors[0].graph.parameters[0].value", "string", "boolean"),
            ],
        ),
        (
            (*FIRST, "engineResources"),
            {"limits": {"cpu": "1x"}},
            [
                (
                    "spec.predictors[0].engineResources.limits.cpu: "
                    'Invalid value: "1x": spec.predictors[0].engineResources.limits.cpu in body '
                    r"should match '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
                    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'"
                )
            ],
        ),
        (
            (*FIRST, "componentSpecs", 0, "pdbSpec"),
            {"maxUnavailable": True, "minAvailable": "10%"},
            [
                (
                    '<nil>: Invalid value: "": "spec.predictors[0].componentSpecs[0].pdbSpec.'
                    'maxUnavailable" must validate at least one schema (anyOf)'
                ),
                wrong_type(
                    "spec.predictors[0].componentSpecs[0].pdbSpec.maxUnavailable",
                    "integer,string",
                    "boolean",
                ),
                wrong_type(
                    "spec.predictors[0].componentSpecs[0].pdbSpec.maxUnavailable",
                    "integer",
                    "boolean",
                ),
            ],
        ),
        (
            (*FIRST, "componentSpecs", 0, "metadata"),
            {"creationTimestamp": None, "deletionTimestamp": "2020-01-01"},
            [
                (
                    "spec.predictors[0].componentSpecs[0].metadata.deletionTimestamp: "
                    'Invalid value: "2020-01-01": spec.predictors[0].componentSpecs[0].metadata.'
                    'deletionTimestamp in body must be of type date-time: "2020-01-01"'
                )
            ],
        ),
        (
            (*CONTAINER, "ports"),
            [{"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}],
            [
                (
                    "spec.predictors[0].componentSpecs[0].spec.containers[0].ports[1]: "
                    'Duplicate value: {"containerPort":1,"protocol":"TCP"}'
                )
            ],
        ),
        (
            (*CONTAINER, "ports"),
            [None, None, None],
            [
                *(wrong_type(f"{PORTS}[{index}]", "object", "null") for index in range(3)),
                f"{PORTS}[1]: Duplicate value: {{}}",
            ],
        ),
        (
            (*CONTAINER, "ports"),
            [None, None, 0, "a"],
            [
                *(wrong_type(f"{PORTS}[{index}]", "object", "null") for index in range(2)),
                wrong_type(f"{PORTS}[2]", "object", "integer"),
                wrong_type(f"{PORTS}[3]", "object", "string"),
                f"{PORTS}[2]: Invalid value: 0: must be an object for an array of list-type map",
            ],
        ),
        (
            (*FIRST, "componentSpecs", 0, "metadata"),
            {"creationTimestamp": 1, "deletionTimestamp": []},
            [
                (
                    "spec.predictors[0].componentSpecs[0].metadata.creationTimestamp: "
                    'Invalid value: "int64": spec.predictors[0].componentSpecs[0].metadata.'
                    'creationTimestamp in body must be of type date-time: "int64"'
                )
            ],
        ),
        (
            (*FIRST, "componentSpecs", 0, "spec", "containers"),
            MISSING,
            ["spec.predictors[0].componentSpecs[0].spec.containers: Required value"],
        ),
        ((*FIRST, "componentSpecs", 0, "spec", "securityContext"), {"any": {"goes": None}}, []),
        (
            (*FIRST, "componentSpecs", 0, "spec", "affinity"),
            {"nodeAffinity": {REQUIRED: {"nodeSelectorTerm": []}}},
            [f"{AFFINITY}.nodeAffinity.{REQUIRED}.nodeSelectorTerms: Required value"],
        ),
        ((*FIRST, "componentSpecs"), None, []),
        (("status",), {"state": 3}, [wrong_type("status.state", "string", "integer")]),
    ],
)
def test_the_verdict_is_the_api_servers(
    path: tuple[str | int, ...], value: Any, expected: list[str]
) -> None:
    obj = changed(BASE, *path, to=value)

    violations = check_schema(SCHEMA, prune(SCHEMA, obj))

    assert [str(violation) for violation in violations] == expected


def test_a_null_is_told_where_nothing_was_pruned() -> None:
    obj = changed(BASE, "spec", "replicas", to=None)

    assert [str(one) for one in check_schema(SCHEMA, obj)] == [
        wrong_type("spec.replicas", "integer", "null")
    ]


def test_unknown_fields_are_listed_by_path_and_sorted() -> None:
    obj = changed(BASE, *GRAPH, "endpoint", to={"http_port": 1, "name": "x", "type": "REST"})
    obj = changed(obj, "zeta", to=1)
    obj = changed(obj, "metadata", "anything", to=1)

    assert unknown_fields(SCHEMA, obj) == [
        "spec.predictors[0].graph.endpoint.http_port",
        "spec.predictors[0].graph.endpoint.name",
        "zeta",
    ]


def test_pruning_drops_unknown_fields_and_forbidden_nulls_only() -> None:
    obj = changed(BASE, "spec", "bogus", to=1)
    obj = changed(obj, "spec", "protocol", to=None)
    obj = changed(obj, "spec", "annotations", to={"a": None, "b": "c"})
    template = {"creationTimestamp": None, "name": "x"}
    obj = changed(obj, *FIRST, "componentSpecs", 0, "metadata", to=template)

    pruned = prune(SCHEMA, obj)

    assert "bogus" not in pruned["spec"]
    assert "protocol" not in pruned["spec"]
    assert pruned["spec"]["annotations"] == {"b": "c"}
    assert pruned["spec"]["predictors"][0]["componentSpecs"][0]["metadata"] == template
    assert pruned["metadata"] == obj["metadata"]


def test_pruning_leaves_its_argument_alone() -> None:
    obj = changed(BASE, "spec", "bogus", to=1)

    prune(SCHEMA, obj)

    assert obj["spec"]["bogus"] == 1


def test_a_units_children_end_at_the_tenth_level() -> None:
    graph: dict[str, Any] = {"name": "u11"}
    for depth in range(10, -1, -1):
        graph = {"name": f"u{depth}", "children": [graph]}

    pruned = prune(SCHEMA, deployment(predictor(graph=graph)))

    deepest, depth = pruned["spec"]["predictors"][0]["graph"], 0
    while "children" in deepest:
        deepest, depth = deepest["children"][0], depth + 1
    assert depth == 10


def test_a_ports_protocol_is_filled_in() -> None:
    obj = changed(BASE, *CONTAINER, "ports", to=[{"containerPort": 1}])

    filled = fill_defaults(SCHEMA, obj)

    container = filled["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]
    assert container["ports"] == [{"containerPort": 1, "protocol": "TCP"}]
    assert fill_defaults(SCHEMA, filled) == filled


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "graph", "children", "spec", "containers", "x", "replicas"]),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["spec", "status", "kind", "y"]), json_values, max_size=3))
def test_what_was_pruned_has_nothing_more_to_prune(obj: dict[str, Any]) -> None:
    pruned = prune(SCHEMA, obj)

    assert unknown_fields(SCHEMA, pruned) == []
    assert prune(SCHEMA, pruned) == pruned
    for violation in check_schema(SCHEMA, obj):
        assert violation.field
        assert violation.message
