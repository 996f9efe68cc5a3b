"""How fast manifests are built, and judged from files beside reading the same YAML alone."""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path

import yaml

from bench.measure import Row, milliseconds, spread, time_call, time_in_turns, time_process
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.graph import Combiner, Model, Transformer, units
from seldon_deployer.manifest.build import build_manifest

COUNT = 200
ROUNDS = 5
BRANCHES = 24
BUILDS = 50
BUILD_SECONDS = 0.005

_READ = """
import pathlib, yaml
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
for path in pathlib.Path({folder!r}).iterdir():
    yaml.load(path.read_text(), Loader=loader)
"""
_JUDGE = """
from seldon_deployer.cli.run import run
assert run(["validate", {folder!r}]) == 0
"""


def run() -> list[Row]:
    """Validate a folder of manifests by the command, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(COUNT):
            text = yaml.safe_dump(_manifest(f"model-{number}"), sort_keys=False)
            (Path(folder) / f"{number}.yaml").write_text(text)
        reading, judging = time_in_turns(
            ROUNDS,
            partial(time_process, _READ.format(folder=folder)),
            partial(time_process, _JUDGE.format(folder=folder)),
        )
    seconds = statistics.median(judging)
    return [
        _building(),
        Row(
            f"validate {COUNT} manifests, start-up included",
            spread(judging),
            f"reading the YAML: {spread(reading)}",
            milliseconds(seconds - statistics.median(reading)),
            "under 1 s",
            seconds < 1,
        ),
    ]


def _building() -> Row:
    """Build the manifest of a large graph, in a process that has built one before."""
    branches = [
        Transformer(f"scale-{number}", image="me/scale:1")
        >> Model(f"model-{number}", model_uri=f"s3://m/{number}", implementation="SKLEARN_SERVER")
        for number in range(BRANCHES)
    ]
    last = Model("last", model_uri="s3://m/last", implementation="SKLEARN_SERVER", own_pod=True)
    graph = Combiner("vote", [*branches, last], image="me/vote:1")
    config = DeploymentConfig(model_name="large", graph=graph)

    def build() -> None:
        build_manifest(config, namespace="models", orchestrator=True)

    build()
    seconds = [time_call(build) for _ in range(BUILDS)]
    return Row(
        f"build the manifest of a graph of {len(list(units(graph)))} units",
        f"{statistics.median(seconds) * 1000:.1f} ms ({min(seconds) * 1000:.1f}-"
        f"{max(seconds) * 1000:.1f})",
        aim=f"under {milliseconds(BUILD_SECONDS)}",
        is_met=statistics.median(seconds) < BUILD_SECONDS,
    )


def _manifest(name: str) -> dict[str, object]:
    config = DeploymentConfig(
        model_name=name,
        model_uri=f"s3://models/{name}",
        implementation="SKLEARN_SERVER",
        parameters={"method": "predict"},
        resources={"requests": {"cpu": "100m", "memory": "512Mi"}},
        env={"LEVEL": "1"},
    )
    return build_manifest(
        config,
        namespace="models",
        orchestrator=False,
        uri=config.model_uri,
        implementation=config.implementation,
        fingerprint="",
    )
