"""Which of a model's methods answers a Seldon message: the one place that says so.

The parameter `method` names one. Without it a server answers as Seldon's own server of that
framework does, and one that has no such counterpart as SKLEARN_SERVER: by the probabilities of a
classifier, by the values of anything else.

- SKLEARN and OUR_SKLEARN: predict_proba, or predict of what has none. `method` may be
  predict_proba, predict or decision_function.
- XGBOOST and OUR_XGBOOST: the Booster's own predict. `method` may be predict or predict_proba of
  the class that saved the model, or raw.
- LIGHTGBM: the Booster's own predict: probabilities, of two classes those of the second. `method`
  may be predict, predict_proba (a column for each class), or raw.
- CATBOOST: predict_proba of a classifier, predict of anything else. `method` may be predict,
  predict_proba or raw.
- MLFLOW: predict of its python_function. `method` may be predict_proba or decision_function of the
  model within.

Seldon's own images of XGBOOST and MLFLOW know no `method`, so there it is for the embedded runtime.
`raw` is what a booster adds up, before it is made a probability. Under V2 it is a request that
names methods, in its `outputs`; without them the first is answered, as by MLServer.
"""

from __future__ import annotations

from collections.abc import Sequence

from seldon_deployer.errors import ArtifactError, UsageError

PREDICT, PROBABILITIES, SCORES, RAW = "predict", "predict_proba", "decision_function", "raw"


def check_method(asked: str | None, known: Sequence[str]) -> str | None:
    """The method that a parameter names, or None for the usual one. Raises UsageError."""
    if not asked:
        return None
    if asked not in known:
        raise UsageError(f"unknown method {asked!r}", hint=f"use {', '.join(known)}")
    return asked


def choose_method(asked: str | None, has: Sequence[str], usual: str, *, model: str) -> str:
    """The method for every message: the asked one, or the usual one.

    has: the methods of this very model. model: what it is, as in "a CatBoost regressor".
    Raises ArtifactError.
    """
    method = asked or usual
    if method not in has:
        raise ArtifactError(
            f"the model has no method {method}",
            why=f"it is {model}",
            hint=f"use {' or '.join(has)}" if has else "",
        )
    return method
