"""CATBOOST_SERVER: serves a CatBoost model from its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seldon_deployer.server.columns import order_columns
from seldon_deployer.server.method import (
    PREDICT,
    PROBABILITIES,
    RAW,
    check_method,
    choose_method,
)
from seldon_deployer.server.model_file import find_model_file, import_library, reading
from seldon_deployer.server.rehearsal import edge_rows, rehearse
from seldon_deployer.server.tabular import TabularServer
from seldon_deployer.server.threads import thread_count

_FILES = ("model.cbm",)
_METHODS = (PREDICT, PROBABILITIES)


class CatBoostServer(TabularServer):
    """`model.cbm` behind a classifier's `predict_proba`, any other's `predict`, or `method`.

    Categories are given as text or whole numbers, as in training.
    """

    def __init__(self, model_uri: str, method: str | None = None) -> None:
        self.model_uri = model_uri
        self.method = check_method(method, (*_METHODS, RAW))
        self._model: Any = None
        self._columns: list[str] = []

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed when CatBoost is not installed."""
        path = find_model_file(
            self.model_uri, _FILES, hint="save it with model.save_model('model.cbm')"
        )
        catboost = import_library("catboost", package="catboost", needed_by="CatBoostServer")
        self.refusals = (*self.refusals, catboost.CatBoostError)
        hint = "save it again with model.save_model('model.cbm')"
        with reading(path, holds="catboost", hint=hint):
            rehearse(lambda: _try(catboost, path), path, library="CatBoost", hint=hint)
            model = catboost.CatBoost()
            model.load_model(str(path))
            # The file does not say which class wrote it; only a classifier has classes.
            if len(model.classes_):
                model = catboost.CatBoostClassifier()
                model.load_model(str(path))
        self._model = model
        self._columns = list(model.feature_names_)
        usual = PROBABILITIES if PROBABILITIES in self.outputs else PREDICT
        has = (*self.outputs, RAW)
        self.method = choose_method(self.method, has, usual, model="no classifier")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Probabilities are a classifier's."""
        return tuple(name for name in _METHODS if hasattr(self._model, name))

    @property
    def usual_method(self) -> str:
        """What the parameter says, or the probabilities of a classifier."""
        return str(self.method)

    def call(self, method: str, rows: Any, names: list[str]) -> Any:
        """Ask the model, its columns in their order."""
        ordered = order_columns(rows, names, self._columns)
        given: dict[str, str] = {}
        if method == RAW:
            method, given = PREDICT, {"prediction_type": "RawFormulaVal"}
        # CatBoost does not read OMP_NUM_THREADS.
        return getattr(self._model, method)(ordered, thread_count=thread_count(), **given)


def _try(catboost: Any, path: Path) -> None:
    model = catboost.CatBoost()
    model.load_model(str(path))
    model.predict(edge_rows(len(model.feature_names_)), thread_count=1)
