"""Several managers apply, update and patch in any order: both ends agree on everything."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from apiserver.harness import End
from client import APPLY, JSON_PATCH, MERGE, SDEPS, Client
from ends import run_embedded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Object = dict[str, Any]

pytestmark = pytest.mark.cluster

NAMESPACE = "any-sequence"
_NAMES = st.sampled_from(["a", "b", "c"])
_TEXTS = st.sampled_from(["1", "2"])
_MAPS = st.dictionaries(_NAMES, _TEXTS, max_size=3)


def _spec(predictors: list[Object], extra: Object) -> Object:
    return {"predictors": predictors} | extra


_PREDICTOR = st.builds(
    lambda name, replicas, annotations: {
        "name": name,
        "replicas": replicas,
        "annotations": annotations,
        "graph": {"name": "m", "implementation": "SKLEARN_SERVER", "modelUri": "file:///m"},
    },
    st.just("p"),
    st.integers(0, 2),
    _MAPS,
)
_EXTRA = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 3),
        "annotations": _MAPS,
        "serverType": st.just("rpc"),
        "protocol": st.sampled_from(["seldon", "v2"]),
    },
)
_SPECS = st.builds(_spec, st.lists(_PREDICTOR, min_size=1, max_size=1), _EXTRA)
_METADATA = st.fixed_dictionaries(
    {}, optional={"labels": _MAPS, "annotations": _MAPS, "finalizers": st.just([])}
)
_OBJECTS = st.builds(lambda metadata, spec: {"metadata": metadata, "spec": spec}, _METADATA, _SPECS)

# An apply may leave out what it did not want last time: parts of the object, down to nothing.
_PARTS = st.builds(
    lambda metadata, spec: {"metadata": metadata} | spec,
    _METADATA,
    st.one_of(
        st.just({}),
        st.builds(lambda spec: {"spec": spec}, st.one_of(_SPECS, _EXTRA)),
    ),
)
_MERGES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": st.dictionaries(_NAMES, st.none() | _TEXTS, max_size=2)}
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "replicas": st.none() | st.integers(0, 3),
                "annotations": st.none() | st.dictionaries(_NAMES, st.none() | _TEXTS, max_size=2),
                "protocol": st.none() | st.just("seldon"),
            },
        ),
        "status": st.builds(lambda text: {"state": text}, _TEXTS),
    },
)
_MANAGERS = st.sampled_from(["one", "two", "kubectl"])
_STEPS = st.one_of(
    st.tuples(st.just("apply"), _MANAGERS, _PARTS, st.booleans()),
    st.tuples(st.just("apply"), _MANAGERS, _OBJECTS, st.booleans()),
    st.tuples(st.just("merge"), _MANAGERS, _MERGES),
    st.tuples(st.just("status"), _MANAGERS, _MERGES),
    st.tuples(st.just("put"), _MANAGERS, _OBJECTS),
    st.tuples(st.just("scale"), _MANAGERS, st.integers(0, 3)),
    st.tuples(
        st.just("remove"), _MANAGERS, st.sampled_from(["/spec/replicas", "/metadata/labels"])
    ),
)


@pytest.fixture(scope="module")
def both(real_end: End, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Client]]:
    folder = tmp_path_factory.mktemp("without-admission")
    with run_embedded(folder, has_admission=False) as embedded_end:
        clients = [Client(embedded_end), Client(real_end)]
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        for client in clients:
            assert client.post("/api/v1/namespaces", home).status == 201
        yield clients
        for client in clients:
            client.close()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=_OBJECTS, created_by_apply=st.booleans(), steps=st.lists(_STEPS, max_size=6))
def test_any_sequence_of_writes_ends_alike(both, first, created_by_apply, steps):
    name = f"p-{secrets.token_hex(6)}"
    start = ("apply", "one", first, False) if created_by_apply else ("post", "one", first)
    for step in [start, *steps]:
        embedded, real = (_run(client, name, step) for client in both)
        assert embedded == real, step


def _run(client: Client, name: str, step: tuple[Any, ...]) -> Object:
    """Run one step; returns what must be equal: status, refusal, and the object that is left."""
    kind, manager, content = step[:3]
    path = SDEPS.format(NAMESPACE)
    one = f"{path}/{name}"
    query = {"fieldManager": manager}
    if kind == "post":
        answer = client.post(path, _whole(name, content), **query)
    elif kind == "apply":
        force = {"force": "true"} if step[3] else {}
        answer = client.patch(one, _whole(name, content), APPLY, **query, **force)
    elif kind == "merge":
        answer = client.patch(one, content, MERGE, **query)
    elif kind == "status":
        answer = client.patch(f"{one}/status", content, MERGE, **query)
    elif kind == "put":
        version = client.get(one).body["metadata"]["resourceVersion"]
        whole = _whole(name, content)
        whole["metadata"]["resourceVersion"] = version
        answer = client.put(one, whole, **query)
    elif kind == "scale":
        patch = {"spec": {"replicas": content}}
        answer = client.patch(f"{one}/scale", patch, MERGE, **query)
    else:
        operations = [{"op": "remove", "path": content}]
        answer = client.patch(one, operations, JSON_PATCH, **query)
    left = client.get(one)
    return {
        "status": answer.status,
        "refusal": _refusal(answer.body) if answer.status >= 400 else None,
        "left": _comparable(left.body) if left.status == 200 else left.status,
    }


def _whole(name: str, content: Object) -> Object:
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        **content,
        "metadata": content["metadata"] | {"name": name},
    }


def _refusal(body: Object) -> Object:
    causes = (body.get("details") or {}).get("causes") or []
    # Two conflicts come in any order: the managers lie in a Go map.
    return {
        "reason": body.get("reason"),
        "lines": sorted(body["message"].split("\n")),
        "causes": sorted(str(sorted(cause.items())) for cause in causes),
    }


def _comparable(obj: Object) -> Object:
    metadata = {
        k: v
        for k, v in obj["metadata"].items()
        if k not in ("uid", "resourceVersion", "creationTimestamp", "managedFields")
    }
    entries = [
        {k: v for k, v in entry.items() if k != "time"}
        for entry in obj["metadata"].get("managedFields", [])
    ]
    # They are ordered by seconds, which may differ; the rest of the order is a set's.
    entries.sort(key=lambda e: (e["operation"], e["manager"], e.get("subresource", "")))
    return obj | {"metadata": metadata | {"managedFields": entries}}
