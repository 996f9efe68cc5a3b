"""From `deploy()` to the first good prediction on the embedded runtime."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench.measure import Row, milliseconds, spread, time_call, time_in_turns, time_process
from seldon_deployer import Deployer, DeploymentConfig

ROUNDS = 5
AIM_SECONDS = 0.300
_SAMPLE = [[5.1, 3.5, 1.4, 0.2]]


def run() -> list[Row]:
    """Cold, warm and update, each beside a process that imports scikit-learn and loads the model.

    Cold: a new home in which nothing runs, and the time includes starting the runtime. Warm: it
    runs, another model is deployed. Update: new bytes under a served name.
    """
    from seldon_deployer.local import lifecycle

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _train(folder / "first")
        home = folder / "home"
        load = f"import joblib; print(joblib.load({str(model)!r}).predict_proba({_SAMPLE}))"
        numbers = count()

        def cold() -> float:
            # What an old home served would start with it, and take its cores.
            fresh = folder / f"cold-{next(numbers)}"
            try:
                return time_call(lambda: _deploy(Deployer.local(home=fresh), "iris", model))
            finally:
                lifecycle.stop(fresh)

        def warm() -> float:
            deployer = Deployer.local(home=home)
            return time_call(lambda: _deploy(deployer, f"warm-{next(numbers)}", model))

        def update() -> float:
            deployer = Deployer.local(home=home)
            fresh = _train(folder / f"update-{next(numbers)}", regularisation=next(numbers) + 1)
            return time_call(lambda: _deploy(deployer, "updated", fresh))

        _import_client()
        try:
            _deploy(Deployer.local(home=home), "updated", model)
            calls: list[Callable[[], float]] = [partial(time_process, load), cold, warm, update]
            floor, *times = time_in_turns(ROUNDS, *calls)
        finally:
            lifecycle.stop(home)
    labels = ("cold start and deploy", "deploy, warm", "update in place, warm")
    return [_row(label, seconds, floor) for label, seconds in zip(labels, times, strict=True)]


def _row(label: str, seconds: list[float], floor: list[float]) -> Row:
    over = statistics.median(seconds) - statistics.median(floor)
    return Row(
        f"{label} to first prediction",
        spread(seconds),
        f"import sklearn, load: {spread(floor)}",
        milliseconds(over),
        "within 300 ms",
        over < AIM_SECONDS,
    )


def _deploy(deployer: Deployer, name: str, model: Path) -> Any:
    service = deployer.deploy(DeploymentConfig(model_name=name, model_uri=str(model)))
    return service.predict(_SAMPLE)


def _train(folder: Path, regularisation: float = 1.0) -> Path:
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    folder.mkdir()
    model = LogisticRegression(C=regularisation, max_iter=1000)
    model.fit(*load_iris(return_X_y=True))
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib"


def _import_client() -> None:
    """Import what `connect` imports, so that the first round measures what the others do."""
    import kubernetes.client  # noqa: F401
