"""How fast manifests are judged from files, beside reading the same YAML alone."""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path

import yaml

from bench.measure import Row, milliseconds, spread, time_in_turns, time_process
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.manifest.build import build_manifest

COUNT = 200
ROUNDS = 5

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
        Row(
            f"validate {COUNT} manifests, start-up included",
            spread(judging),
            f"reading the YAML: {spread(reading)}",
            milliseconds(seconds - statistics.median(reading)),
            "under 1 s",
            seconds < 1,
        )
    ]


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
