"""The overlay: merged as Kubernetes merges pods, and refused where it fits nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdep_samples import deployment, pod, predictor, unit

from seldon_deployer.config import parse_config
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.build import build_manifest
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.overlay import apply_overlay
from seldon_deployer.manifest.revision import revisions
from seldon_deployer.manifest.schema import check_schema, unknown_fields

Object = dict[str, Any]

PAIR = deployment(
    predictor(
        graph={"name": "a", "type": "MODEL", "children": [unit("b", parameters=[])]},
        componentSpecs=[pod("a", volumes=[{"name": "v", "emptyDir": {}}]), pod("b")],
    ),
    replicas=1,
)
ALONE = deployment(predictor(componentSpecs=[pod("classifier")]), replicas=1)


def over(obj: Object, spec: Object) -> Object:
    return apply_overlay(obj, {"spec": spec})


def first(**fields: Any) -> Object:
    return {"predictors": [{"name": "default", **fields}]}


def test_an_empty_overlay_is_no_overlay() -> None:
    assert apply_overlay(PAIR, {}) is PAIR


def test_both_sides_stay_as_they_were() -> None:
    overlay = {
        "spec": first(componentSpecs=[{"spec": {"containers": [{"name": "a", "tty": True}]}}])
    }
    before = deepcopy((PAIR, overlay))

    apply_overlay(PAIR, overlay)

    assert (PAIR, overlay) == before


def test_a_component_is_the_one_that_runs_a_named_container() -> None:
    containers = [{"name": "b", "tty": True}]
    merged = over(PAIR, first(componentSpecs=[{"replicas": 2, "spec": {"containers": containers}}]))

    one, two = merged["spec"]["predictors"][0]["componentSpecs"]
    assert one == pod("a", volumes=[{"name": "v", "emptyDir": {}}])
    assert two["replicas"] == 2
    assert two["spec"]["containers"] == [{**pod("b")["spec"]["containers"][0], "tty": True}]


def test_the_only_component_needs_no_name_and_takes_a_sidecar() -> None:
    sidecar = {"name": "sidecar", "image": "side:1"}
    merged = over(ALONE, first(componentSpecs=[{"spec": {"containers": [sidecar]}}]))

    [only] = merged["spec"]["predictors"][0]["componentSpecs"]
    assert only["spec"]["containers"] == [*pod("classifier")["spec"]["containers"], sidecar]


def test_units_and_their_parameters_are_known_by_name() -> None:
    parameter = {"name": "p", "type": "INT", "value": "1"}
    children = [{"name": "b", "parameters": [parameter]}]
    merged = over(PAIR, first(graph={"children": children}))

    [child] = merged["spec"]["predictors"][0]["graph"]["children"]
    assert child == unit("b", parameters=[parameter])


def test_null_takes_a_field_away_and_directives_work() -> None:
    gone = over(PAIR, {"replicas": None})
    assert "replicas" not in gone["spec"]
    volumes = [{"name": "v", "$patch": "delete"}]
    containers = [{"name": "a"}]
    merged = over(
        PAIR, first(componentSpecs=[{"spec": {"volumes": volumes, "containers": containers}}])
    )
    assert merged["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["volumes"] == []


def test_a_new_predictor_is_taken_as_it_is() -> None:
    added = predictor("other", componentSpecs=[pod("classifier")], traffic=0)

    merged = over(ALONE, {"predictors": [added]})

    assert merged["spec"]["predictors"] == [*ALONE["spec"]["predictors"], added]


def test_components_can_be_replaced_altogether() -> None:
    merged = over(PAIR, first(componentSpecs=[{"$patch": "replace"}, pod("a", "b")]))

    assert merged["spec"]["predictors"][0]["componentSpecs"] == [pod("a", "b")]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"metadata": {"name": "other"}}, "metadata.name is not the overlay's to change"),
        ({"kind": "Pod"}, "kind is not the overlay's to change"),
        ({"status": {"state": "Available"}}, "status is not the overlay's to change"),
        ({"spec": {"replica": 1}}, "spec.replica: is no field of a SeldonDeployment"),
        ({"spec": {"replicas": "1"}}, "spec.replicas: Invalid value"),
        ({"spec": {"predictors": [{"graph": {}}]}}, "merge key: name"),
        ({"spec": {"$patch": "merge-it"}}, "Unknown patch type found"),
        ({"spec": {"$retainKeys": "replicas"}}, r"\$retainKeys is no list"),
        ({"spec": first(componentSpecs=[{"replicas": 1}])}, "names containers of 0 pods"),
        (
            {"spec": first(componentSpecs=[pod("a", "b")])},
            "names containers of 2 pods: it is told by one that it runs, of a, b",
        ),
    ],
)
def test_what_fits_nothing_is_an_error_that_names_it(overlay: Object, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^the overlay does not fit") as caught:
        apply_overlay(PAIR, overlay)

    assert caught.match(message)


def test_the_overlay_counts_for_the_revision_where_it_reaches_pods() -> None:
    def built(overlay: Object) -> Object:
        config = parse_config(model_name="iris", image="mine:1", overlay=overlay)
        return build_manifest(config, namespace="models", orchestrator=False)

    before = revisions(built({}))
    assert revisions(built({"metadata": {"labels": {"team": "blue"}}})) == before
    assert revisions(built({"spec": {"replicas": 7}})) == before
    assert revisions(built({"spec": {"transport": "grpc"}})) != before


names = st.sampled_from(
    ["spec", "predictors", "name", "default", "componentSpecs", "containers", "a", "graph",
     "children", "replicas", "env", "$patch", "delete", "replace", "$retainKeys",
     "$setElementOrder/containers", "$deleteFromPrimitiveList/args", "metadata", "labels"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
spots = st.sampled_from(
    [
        lambda value: {"spec": value},
        lambda value: {"spec": {"predictors": value}},
        lambda value: {"spec": {"predictors": [value]}},
        lambda value: {"spec": first(componentSpecs=value)},
        lambda value: {"spec": first(componentSpecs=[{"spec": value}])},
        lambda value: {"spec": first(componentSpecs=[{"spec": {"containers": value}}])},
        lambda value: {"spec": first(graph=value)},
        lambda value: {"metadata": value},
    ]
)


@settings(max_examples=300)
@given(
    st.dictionaries(names, anything) | st.builds(lambda spot, value: spot(value), spots, anything)
)
def test_any_overlay_gives_a_valid_resource_or_a_clear_error(overlay: Object) -> None:
    try:
        merged = apply_overlay(PAIR, overlay)
    except ConfigError:
        return
    assert check_schema(shared_schema(), merged) == []
    assert unknown_fields(shared_schema(), merged) == []
