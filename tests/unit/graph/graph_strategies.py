"""Graphs of any shape, for properties."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st

from seldon_deployer.graph import (
    ABTest,
    Chain,
    Combiner,
    Model,
    OutputTransformer,
    Router,
    Transformer,
)
from seldon_deployer.workload import HPA, SecretKey

_RUNS = st.sampled_from(
    (
        {"image": "registry.example/unit:1"},
        {"python_class": "flowers.Unit"},
        {"python_class": "flowers.Unit", "code_path": "/srv/code", "model_uri": "s3://models/unit"},
    )
)
_SERVED = st.sampled_from(
    ({"model_uri": "gs://models/unit"}, {"model_uri": "/m", "implementation": "SKLEARN_SERVER"})
)
_POD = st.sampled_from(
    (
        {},
        {},
        {"own_pod": True},
        {"own_pod": True, "replicas": 2},
        {"own_pod": True, "hpa": HPA(max_replicas=4, cpu_percent=80)},
    )
)
_PARAMETERS = st.dictionaries(
    st.sampled_from(("alpha", "beta")),
    st.one_of(st.booleans(), st.integers(-9, 9), st.just("text"), st.just(0.25)),
    max_size=2,
)
_ENV = st.sampled_from(
    (
        {},
        {"env": {"LEVEL": "1"}},
        {"env_from_secrets": {"TOKEN": SecretKey(secret="api", key="token")}},
        {"resources": {"requests": {"cpu": "100m"}}, "gpus": 1},
    )
)


@st.composite
def graphs(draw: st.DrawFn, prefix: str = "u", levels: int = 8):
    """A graph whose names begin with `prefix`, and whose tree has at most so many levels."""
    numbers = count()
    return _graph(draw, lambda: f"{prefix}{next(numbers)}", levels)


def _graph(draw, name, levels):
    before = draw(st.integers(0, min(2, levels - 1)))
    after = draw(st.integers(0, min(2, levels - 1 - before)))
    below = levels - 1 - before - after
    steps = [_inner(draw, name) for _ in range(before)]
    last = draw(st.sampled_from(("unit", "router", "combiner", "ab") if below else ("unit",)))
    if last == "unit":
        steps.append(_inner(draw, name))
    else:
        branches = [_graph(draw, name, min(below, 3)) for _ in range(draw(st.integers(2, 3)))]
        own = name()
        if last == "ab":
            steps.append(ABTest(*branches[:2], ratio=draw(st.sampled_from((0, 0.2, 1))), name=own))
        elif last == "router":
            steps.append(Router(own, branches, **draw(_RUNS), **draw(_POD)))
        else:
            steps.append(Combiner(own, branches, **draw(_RUNS), **draw(_POD)))
    steps += [OutputTransformer(name(), **draw(_RUNS), **draw(_POD)) for _ in range(after)]
    return steps[0] if len(steps) == 1 else Chain(steps)


def _inner(draw, name):
    own = {**draw(_POD), **draw(_ENV), "parameters": draw(_PARAMETERS)}
    if draw(st.booleans()):
        return Model(name(), **draw(st.one_of(_RUNS, _SERVED)), **own)
    return Transformer(name(), **draw(_RUNS), **own)
