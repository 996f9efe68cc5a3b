"""Our schema and its verdicts, against the API server whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from apiserver.harness import End
from client import SDEPS, Answer, Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seldon_deployer.manifest.crd import build_crd, resource_schema
from seldon_deployer.manifest.schema import check_schema, prune, unknown_fields

pytestmark = pytest.mark.cluster

SCHEMA = resource_schema()
WHOLE: dict[str, Any] = {
    "apiVersion": "machinelearning.seldon.io/v1",
    "kind": "SeldonDeployment",
    "metadata": {"name": "iris", "namespace": "default"},
    "spec": {
        "protocol": "seldon",
        "replicas": 1,
        "annotations": {"a": "b"},
        "predictors": [
            {
                "name": "default",
                "traffic": 100,
                "shadow": False,
                "labels": {"a": "b"},
                "engineResources": {"limits": {"cpu": "1", "memory": 1}},
                "svcOrchSpec": {"env": [{"name": "A", "value": "1"}]},
                "graph": {
                    "name": "m",
                    "implementation": "SKLEARN_SERVER",
                    "modelUri": "s3://m",
                    "methods": ["PREDICT"],
                    "parameters": [{"name": "a", "value": "1", "type": "INT"}],
                    "endpoint": {"service_port": 1, "type": "REST"},
                    "children": [{"name": "c", "logger": {"mode": "all"}}],
                },
                "componentSpecs": [
                    {
                        "metadata": {"creationTimestamp": None, "name": "x"},
                        "pdbSpec": {"maxUnavailable": "10%"},
                        "hpaSpec": {"maxReplicas": 2},
                        "spec": {
                            "terminationGracePeriodSeconds": 1,
                            "containers": [
                                {
                                    "name": "m",
                                    "ports": [{"containerPort": 1, "name": "http"}],
                                    "readinessProbe": {"httpGet": {"port": "http", "path": "/"}},
                                    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                                    "env": [
                                        {
                                            "name": "A",
                                            "valueFrom": {"fieldRef": {"fieldPath": "x"}},
                                        }
                                    ],
                                }
                            ],
                        },
                    }
                ],
            }
        ],
    },
}


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a value, the deepest among them."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from paths(item, (*path, key))


@pytest.fixture(scope="module")
def real_client(real_end: End) -> Iterator[Client]:
    client = Client(real_end)
    yield client
    client.close()


def test_a_real_api_server_takes_our_definition(bare_end: End) -> None:
    client = Client(bare_end)

    answer = client.post(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        build_crd(),
        dryRun="All",
        fieldValidation="Strict",
    )

    client.close()
    assert answer.status == 201, answer
    assert answer.warnings == []


TWICE = [{"containerPort": 1}, {"containerPort": 1}]
FIRST_CONTAINER = ("spec", "predictors", 0, "componentSpecs", 0, "spec", "containers", 0)
changes = st.lists(
    st.tuples(
        st.sampled_from(list(paths(WHOLE["spec"], ("spec",)))),
        st.sampled_from(
            [None, 0, 1.5, 2.0, True, "", "text", "10Mi", [], {}, [None], {"name": 1}, {"x": None}]
        ),
        st.sampled_from(["set", "remove", "add"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@example([((*FIRST_CONTAINER, "ports", 0), 2.0, "set")])
@example([((*FIRST_CONTAINER, "ports"), [0, 1], "set")])
@example([((*FIRST_CONTAINER, "ports"), [None, None, None], "set")])
@example([((*FIRST_CONTAINER, "ports"), [0, None, None, None], "set")])
@example([((*FIRST_CONTAINER, "ports"), [*TWICE, 0], "set")])
@example([((*FIRST_CONTAINER, "ports"), [0, *TWICE], "set")])
@example([((*FIRST_CONTAINER, "ports"), [None, None, *TWICE, "a"], "set")])
@given(changes)
def test_the_verdict_is_the_api_servers(
    real_client: Client, changes: list[tuple[tuple[str | int, ...], Any, str]]
) -> None:
    obj = deepcopy(WHOLE)
    for path, value, how in changes:
        change(obj, path, value, how)

    answer = real_client.post(SDEPS.format("default"), obj, dryRun="All", fieldValidation="Warn")

    ours = sorted(str(violation) for violation in check_schema(SCHEMA, prune(SCHEMA, obj)))
    assert ours == causes(answer), obj
    found = [re.search(r'unknown field \\?"(.*?)\\?"', text) for text in answer.warnings]
    assert unknown_fields(SCHEMA, obj) == sorted(match[1] for match in found if match), obj


def change(obj: Any, path: tuple[str | int, ...], value: Any, how: str) -> None:
    """Set, remove or add beside what is at `path`, where that place is still there."""
    place = obj
    for step in path[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(place, dict):
        if how == "set":
            place[last] = deepcopy(value)
        elif how == "remove":
            place.pop(last, None)
        else:
            place["unknown"] = deepcopy(value)
    elif isinstance(place, list) and isinstance(last, int) and last < len(place):
        if how == "set":
            place[last] = deepcopy(value)
        elif how == "remove":
            del place[last]
        else:
            place.append(deepcopy(place[last]))


def causes(answer: Answer) -> list[str]:
    """What the API server finds wrong by the schema; the scale subresource has words of its own."""
    if answer.status == 201:
        return []
    assert answer.status == 422, answer
    return sorted(
        f"{cause['field']}: {cause['message']}"
        for cause in answer.body["details"]["causes"]
        if not cause["field"].startswith(".spec.replicas")
    )
