from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sdep_samples import deployment, pod, predictor, unit
from shared_data import SHARED, load_documents, needs_samples

from seldon_deployer.manifest.crd import resource_schema
from seldon_deployer.manifest.resource import SeldonDeployment
from seldon_deployer.manifest.schema import check_schema, prune

SCHEMA = resource_schema()


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value that a schema allows, small; made once per schema."""
    if id(schema) not in STRATEGIES:
        STRATEGIES[id(schema)] = make_strategy(schema)
    return STRATEGIES[id(schema)]


STRATEGIES: dict[int, st.SearchStrategy[Any]] = {}
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "a", "b c", "\u00e9"]),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
}


def make_strategy(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("x-kubernetes-int-or-string"):
        strategy: st.SearchStrategy[Any] = st.sampled_from([0, 9, "1", "25"])
    elif schema["type"] in SCALARS:
        strategy = SCALARS[schema["type"]]
    elif schema["type"] == "array":
        strategy = st.lists(st.deferred(lambda: values_of(schema["items"])), max_size=1)
    else:
        strategy = objects_of(schema)
    return strategy | st.none() if schema.get("nullable") else strategy


@st.composite
def objects_of(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if not properties:
        inner = schema.get("additionalProperties")
        value = draw(values_of(inner)) if inner else None
        return draw(st.sampled_from([{}, {"key": value}]))
    required = schema.get("required", [])
    optional = sorted(set(properties) - set(required))
    chosen = draw(st.lists(st.sampled_from(optional), max_size=2, unique=True)) if optional else []
    obj = {name: draw(values_of(properties[name])) for name in [*required, *chosen]}
    return obj | draw(st.sampled_from([{}, {"unknown_to_all": None}, {"more": {"a": [1]}}]))


@given(objects_of(SCHEMA))
def test_reading_and_writing_loses_and_invents_nothing(obj: dict[str, Any]) -> None:
    assert SeldonDeployment.from_object(obj).to_object() == obj


def test_a_field_is_known_by_its_kubernetes_name_alone() -> None:
    obj = deployment(predictor(graph=unit(model_uri="s3://other"), component_specs=[1]))

    resource = SeldonDeployment.from_object(obj)

    assert resource.spec is not None
    assert resource.spec.predictors[0].graph.model_uri == "s3://models/m"
    assert resource.to_object() == obj


def test_an_explicit_null_stays() -> None:
    obj = deployment(predictor(componentSpecs=None), replicas=None)

    assert SeldonDeployment.from_object(obj).to_object() == obj


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": "3", "predictors": []},
        {"predictors": [{"name": "p"}]},
        {"predictors": [{"name": 1, "graph": {"name": "u"}}]},
        {"predictors": [{"name": "p", "graph": {"name": "u"}, "shadow": "true"}]},
    ],
)
def test_nothing_is_coerced(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SeldonDeployment.from_object({"spec": spec})


def test_a_pods_parts_are_models() -> None:
    obj = deployment(predictor(componentSpecs=[pod("classifier", hostIPC=True)]))

    resource = SeldonDeployment.from_object(obj)

    assert resource.spec is not None
    components = resource.spec.predictors[0].component_specs or []
    assert components[0].spec is not None
    assert components[0].spec.host_ipc is True
    assert components[0].spec.containers[0].image == "registry.local/classifier:1"


@needs_samples
def test_every_published_sample_survives() -> None:
    survived = 0
    for path in sorted((SHARED / "samples").glob("*.*")):
        for document in load_documents(path):
            is_resource = isinstance(document, dict) and document.get("kind") == "SeldonDeployment"
            if is_resource and not check_schema(SCHEMA, prune(SCHEMA, document)):
                assert SeldonDeployment.from_object(document).to_object() == document
                survived += 1
    assert survived > 90
