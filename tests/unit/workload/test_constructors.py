"""What a constructor in Python says of wrong fields."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from seldon_deployer import config, graph, workload
from seldon_deployer.config import DeploymentConfig, Explainer, Predictor
from seldon_deployer.errors import ConfigError, InvalidFields
from seldon_deployer.graph import Combiner, Model, Transformer
from seldon_deployer.graph.node import Node
from seldon_deployer.workload import HPA, Probe, Value

LEAST: dict[str, Any] = {"model_name": "iris", "model_uri": "s3://models/iris"}
CANARY = "canary-0f8b"


def _classes() -> list[type]:
    found = {
        each
        for room in (config, graph, workload)
        for each in vars(room).values()
        if isinstance(each, type) and issubclass(each, (Value, Node))
    }
    return sorted(found - {Value}, key=lambda each: each.__name__)


def _fields(kind: type) -> list[str]:
    if issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return list(getattr(kind, "__pydantic_fields__"))  # noqa: B009


@given(st.data())
def test_a_misspelt_field_of_any_value_is_told_with_the_right_one(data: st.DataObject) -> None:
    # A volume takes any source for a field.
    kind = data.draw(st.sampled_from([each for each in _classes() if each is not workload.Volume]))
    name = data.draw(st.sampled_from(_fields(kind)))
    misspelt = data.draw(st.sampled_from([name + "_", name + "s", name.replace("_", "")]))
    assume(misspelt not in _fields(kind))

    with pytest.raises(InvalidFields) as caught:
        kind(**{misspelt: None})

    told = dict(caught.value.problems)[misspelt]
    assert told.startswith("there is no such field (did you mean ")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: DeploymentConfig(model_name="iris"), ("", "give model_uri, or python_class")),
        (
            lambda: DeploymentConfig(**LEAST, replicas="two"),
            ("replicas", "must be a whole number"),
        ),
        (
            lambda: DeploymentConfig(**LEAST, protocol="v22"),
            ("protocol", "must be 'seldon' or 'v2' (did you mean v2?)"),
        ),
        (
            lambda: DeploymentConfig(**LEAST, parameters={"a": [1]}),
            ("parameters.a", "must be text or a whole number or a number or true or false"),
        ),
        (
            lambda: DeploymentConfig(**LEAST, predictors=[{"name": "b", "trafic": 1}]),
            ("predictors.0.trafic", "there is no such field (did you mean traffic?)"),
        ),
        (
            lambda: Predictor(name="b", traffic=101),
            ("traffic", "must be less than or equal to 100"),
        ),
        (lambda: HPA(max_replicas=0), ("max_replicas", "must be greater than or equal to 1")),
        (lambda: Probe(), ("", "a probe asks in one way")),
        (
            lambda: Explainer(type="AnchorTabula"),  # type: ignore[arg-type]
            ("type", "(did you mean AnchorTabular?)"),
        ),
        (lambda: Model(model_uri="m"), ("name", "is missing")),  # type: ignore[call-arg]
        (
            lambda: Transformer("a", "b"),  # type: ignore[misc]
            ("1", "is given by position: give it by its name"),
        ),
        (
            lambda: Combiner("c", Model("a", image="x"), python_class="m.C"),  # type: ignore[arg-type]
            ("children", "must be a list"),
        ),
        (
            lambda: DeploymentConfig(model_name="g", graph={"kind": "modell", "name": "a"}),
            ("graph", "(did you mean model?)"),
        ),
        (
            lambda: DeploymentConfig(
                model_name="g",
                graph={
                    "kind": "router",
                    "name": "r",
                    "image": "x",
                    "children": [{"kind": "model", "name": "a", "imgae": "x"}],
                },
            ),
            ("graph.children.0.imgae", "there is no such field (did you mean image?)"),
        ),
        (
            lambda: DeploymentConfig("iris"),  # type: ignore[misc]
            ("", "1 given by position"),
        ),
    ],
)
def test_a_wrong_field_is_told_by_its_path_as_it_was_written(
    make: Any, problem: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make()

    assert isinstance(caught.value, InvalidFields)
    paths = dict(caught.value.problems)
    assert problem[1] in paths[problem[0]]
    assert problem[1] in str(caught.value)


def test_an_error_names_no_class_of_pydantic_and_repeats_no_value() -> None:
    with pytest.raises(InvalidFields) as caught:
        DeploymentConfig(**LEAST, env={"TOKEN": [CANARY], CANARY[:3] + " ": "1"}, replica=CANARY)

    told = "".join(traceback.format_exception(caught.value)).rpartition("\n\n")[2]
    assert "pydantic" not in str(caught.value)
    assert "pydantic.dev" not in told
    assert CANARY not in str(caught.value)


def test_unknown_fields_come_with_those_that_there_are() -> None:
    with pytest.raises(InvalidFields) as of_predictor:
        DeploymentConfig(**LEAST, predictors=[{"name": "b", "zzz": 1}])
    with pytest.raises(InvalidFields) as of_config:
        DeploymentConfig(**LEAST, zzz=1)

    assert of_predictor.value.hint.startswith("the fields of Predictor are name, traffic, shadow")
    assert "`overlay`" in of_config.value.hint


def test_who_caught_a_value_error_still_does() -> None:
    with pytest.raises(ValueError, match="replicas"):
        DeploymentConfig(**LEAST, replicas=-1)


def test_what_pydantic_reads_raises_its_own_error() -> None:
    with pytest.raises(ValidationError):
        DeploymentConfig.model_validate({"model_name": "iris"})
    with pytest.raises(ValidationError):
        TypeAdapter(Model).validate_python({"name": "iris"})


def test_a_value_made_by_a_constructor_is_copied_and_pickled_as_before() -> None:
    made = DeploymentConfig(
        model_name="g", graph=Transformer("a", image="x") >> Model("b", image="y")
    )

    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made
    assert DeploymentConfig.model_validate(made.model_dump(exclude_unset=True)) == made
