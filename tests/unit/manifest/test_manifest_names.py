from __future__ import annotations

from typing import Any

import pytest
from sdep_samples import custom_unit, deployment, pod, predictor, unit

from seldon_deployer.manifest.names import check_names


@pytest.mark.parametrize(
    ("obj", "field"),
    [
        (deployment(name="iris.v1"), "metadata.name"),
        (deployment(name="1iris"), "metadata.name"),
        (deployment(name="iris_1"), "metadata.name"),
        (deployment(predictor("p.1")), "spec.predictors[0].name"),
        (deployment(predictor("P")), "spec.predictors[0].name"),
        (deployment(predictor("")), "spec.predictors[0].name"),
        (deployment(predictor(graph=unit("my.unit"))), "spec.predictors[0].graph"),
        (deployment(predictor(graph=unit("my_unit"))), "spec.predictors[0].graph"),
        (deployment(predictor(graph=unit("Unit"))), "spec.predictors[0].graph"),
        (deployment(predictor(graph=unit("u" * 49))), "spec.predictors[0].graph"),
        (
            deployment(predictor(graph=custom_unit("a_b"), componentSpecs=[pod("a_b")])),
            "spec.predictors[0].graph",
        ),
        (deployment(predictor(graph=unit(children=[unit()]))), "spec.predictors[0].graph"),
        (
            deployment(predictor(annotations={"seldon.io/svc-name": "a.b"})),
            "spec.predictors[0].annotations[seldon.io/svc-name]",
        ),
    ],
)
def test_a_name_that_the_operator_fails_on_is_told(obj: dict[str, Any], field: str) -> None:
    assert [violation.field for violation in check_names(obj)] == [field]


@pytest.mark.parametrize(
    "obj",
    [
        deployment(),
        deployment(predictor("1"), predictor("p-" + "x" * 60)),
        deployment(predictor(graph=unit("u" * 48))),
        deployment(predictor(annotations={"seldon.io/svc-name": "my-service"})),
        {"metadata": {"name": "iris"}},
    ],
)
def test_other_names_pass(obj: dict[str, Any]) -> None:
    assert check_names(obj) == []
