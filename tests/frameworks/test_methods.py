"""The parameter `method`: each answer is the library's own, and what a model lacks is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
from models import FLOWERS, KINDS, ROWS, quiet
from unit_process import server_environment

from seldon_deployer.errors import UsageError

TWO = (KINDS == 1).astype(int)


# In a process of its own, as a unit is: one that has trained with OpenMP cannot be forked.
ASK = """
import json, sys, warnings
from importlib import import_module

import numpy as np

from seldon_deployer.errors import SeldonDeployerError

warnings.simplefilter("ignore")
server, folder, methods, rows = json.loads(sys.argv[1])
module, _, name = server.partition(".")
made = getattr(import_module("seldon_deployer.server." + module), name)
for method in methods:
    try:
        unit = made(folder, **({} if method is None else {"method": method}))
        unit.load()
        told = np.asarray(unit.predict(np.array(rows, dtype=np.float32), [])).tolist()
    except SeldonDeployerError as error:
        told = f"{type(error).__name__}: {error}"
    print("ANSWER", json.dumps(told))
"""


def ask(server: str, folder: Path, *methods: str | None) -> list[Any]:
    """What a server answers by each method, or why it does not."""
    given = json.dumps([server, str(folder), methods, ROWS.tolist()])
    ended = subprocess.run(
        [sys.executable, "-c", ASK, given],
        env=server_environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("ANSWER ")]
    return [json.loads(line.removeprefix("ANSWER ")) for line in lines]


def assert_answers(server: str, folder: Path, expected: Mapping[str | None, Any]) -> None:
    for method, given in zip(expected, ask(server, folder, *expected), strict=True):
        np.testing.assert_allclose(given, expected[method], rtol=1e-6, err_msg=str(method))


def test_sklearn_has_three_methods(tmp_path: Path) -> None:
    trained = models.train_sklearn()
    folder = trained.save("joblib", tmp_path / "m")
    methods = ("predict", "predict_proba", "decision_function")
    expected = {method: getattr(trained.model, method)(ROWS) for method in methods}
    usual = trained.model.predict_proba(ROWS)
    assert_answers("sklearn.SKLearnServer", folder, {None: usual, **expected})


@pytest.mark.parametrize("kinds", [KINDS, TWO], ids=["three classes", "two classes"])
def test_xgboost_asks_its_booster_or_the_class_that_saved_it(tmp_path: Path, kinds: Any) -> None:
    xgboost = models.library("xgboost")
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(FLOWERS, kinds)
    model.save_model(tmp_path / "model.json")
    booster, rows = model.get_booster(), xgboost.DMatrix(ROWS)
    expected = {
        None: booster.predict(rows),
        "predict": model.predict(ROWS),
        "predict_proba": model.predict_proba(ROWS),
        "raw": booster.predict(rows, output_margin=True),
    }
    assert_answers("xgboost.XGBoostServer", tmp_path, expected)


@pytest.mark.parametrize("kinds", [KINDS, TWO], ids=["three classes", "two classes"])
def test_lightgbm_gives_a_column_for_each_class_where_that_is_asked(
    tmp_path: Path, kinds: Any
) -> None:
    lightgbm = models.library("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1, n_jobs=1)
    model.fit(FLOWERS, kinds)
    model.booster_.save_model(tmp_path / "model.txt")
    with quiet():
        probabilities = model.predict_proba(ROWS)
    expected = {
        None: model.booster_.predict(ROWS),
        "predict": model.booster_.predict(ROWS),
        "predict_proba": probabilities,
        "raw": model.booster_.predict(ROWS, raw_score=True),
    }
    assert_answers("lightgbm.LightGBMServer", tmp_path, expected)


@pytest.mark.parametrize("kinds", [KINDS, TWO], ids=["three classes", "two classes"])
def test_catboost_answers_probabilities_of_a_classifier(tmp_path: Path, kinds: Any) -> None:
    catboost = models.library("catboost")
    model = catboost.CatBoostClassifier(
        iterations=3, depth=2, verbose=0, allow_writing_files=False, thread_count=1
    ).fit(FLOWERS, kinds)
    model.save_model(str(tmp_path / "model.cbm"))
    expected = {
        None: model.predict_proba(ROWS),
        "predict": model.predict(ROWS),
        "predict_proba": model.predict_proba(ROWS),
        "raw": model.predict(ROWS, prediction_type="RawFormulaVal"),
    }
    assert_answers("catboost.CatBoostServer", tmp_path, expected)


def test_a_catboost_regressor_answers_its_values(tmp_path: Path) -> None:
    catboost = models.library("catboost")
    model = catboost.CatBoostRegressor(
        iterations=3, depth=2, verbose=0, allow_writing_files=False, thread_count=1
    ).fit(FLOWERS, KINDS)
    model.save_model(str(tmp_path / "model.cbm"))

    usual, refused = ask("catboost.CatBoostServer", tmp_path, None, "predict_proba")
    np.testing.assert_allclose(usual, model.predict(ROWS))
    assert "the model has no method predict_proba: it is no classifier" in refused


@pytest.mark.parametrize(
    ("form", "train"),
    [("sklearn", models.train_sklearn), ("xgboost", models.train_xgboost_classifier)],
)
def test_mlflow_asks_the_model_within(tmp_path: Path, form: str, train: Any) -> None:
    folder = models.train_mlflow().save(form, tmp_path / "m")
    trained = train()

    expected = {None: trained.answers["predict"], **trained.answers}
    assert_answers("mlflow.MLflowServer", folder, expected)


def test_a_method_that_the_model_within_lacks_is_told(tmp_path: Path) -> None:
    folder = models.train_mlflow().save("lightgbm", tmp_path / "m")

    [told] = ask("mlflow.MLflowServer", folder, "predict_proba")
    assert "the model has no method predict_proba: it is a Booster. Try: use predict" in told


def test_a_booster_of_no_class_has_no_probabilities_of_its_own(tmp_path: Path) -> None:
    folder = models.train_xgboost().save("ubj", tmp_path / "m")

    [told] = ask("xgboost.XGBoostServer", folder, "predict_proba")
    assert "the model has no method predict_proba: it is no XGBClassifier" in told


@pytest.mark.parametrize(
    "server",
    [
        "sklearn.SKLearnServer",
        "xgboost.XGBoostServer",
        "lightgbm.LightGBMServer",
        "catboost.CatBoostServer",
        "mlflow.MLflowServer",
    ],
)
def test_a_method_that_no_model_has_ends_the_start(server: str) -> None:
    module, _, name = server.partition(".")
    made = getattr(import_module(f"seldon_deployer.server.{module}"), name)

    with pytest.raises(UsageError, match=r"unknown method 'probabilities'\. Try: use predict"):
        made("/nowhere", method="probabilities")
