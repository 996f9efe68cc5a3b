"""SKLEARN_SERVER: serves what joblib loads, a scikit-learn model or one with its methods."""

from __future__ import annotations

import logging
from typing import Any

from seldon_deployer.server.columns import build_frame, is_text_column, order_columns
from seldon_deployer.server.method import (
    PREDICT,
    PROBABILITIES,
    SCORES,
    check_method,
    choose_method,
)
from seldon_deployer.server.model_file import (
    find_model_file,
    import_library,
    library_errors,
    reading,
)
from seldon_deployer.server.rehearsal import rehearse_where_needed
from seldon_deployer.server.tabular import TabularServer

logger = logging.getLogger(__name__)

_METHODS = (PROBABILITIES, PREDICT, SCORES)
# In this order: Seldon's own server reads the first, MLServer all of them.
_FILES = ("model.joblib", "model.pickle", "model.pkl")
_V2_OUTPUTS = ("predict", "predict_proba", "transform")


class SKLearnServer(TabularServer):
    """A model file behind `predict`; the method is one of scikit-learn's.

    Differs from Seldon's own server, on purpose: an unknown method ends the start with an error
    (there it means `predict`), and an estimator without `predict_proba` answers with `predict`
    after a warning, where `method` was not given (there every request fails). A model that was
    trained on a frame is given one, its columns by name (there a pipeline that picks columns by
    name fails). Under V2 it answers as MLServer does: `predict`, or what `outputs` names.
    """

    def __init__(self, model_uri: str, method: str | None = None) -> None:
        self.model_uri = model_uri
        self.method = check_method(method, _METHODS)
        self._model: Any = None
        self._columns: list[str] | None = None
        self._outputs: tuple[str, ...] = ()
        self._takes_texts = False

    def load(self) -> None:
        """Read the model. Raises ArtifactError when it is not there or cannot be read."""
        path = find_model_file(
            self.model_uri,
            _FILES,
            hint="save the model with joblib.dump(model, 'model.joblib') in that folder",
        )
        joblib = import_library("joblib", package="joblib", needed_by="SKLearnServer")
        hint = "save it with joblib.dump, with the versions that are installed here"
        with reading(path, holds="pickle", hint=hint):
            rehearse_where_needed(lambda: joblib.load(path), path, hint=hint)
            self._model = joblib.load(path)
        self.method = self._choose_method()
        self._outputs = tuple(name for name in _V2_OUTPUTS if hasattr(self._model, name))
        # A pipeline that begins with a vectorizer of texts knows of no features.
        self._takes_texts = not hasattr(self._model, "n_features_in_")
        self._columns = self._read_columns()
        self.refusals = (*self.refusals, *library_errors())

    @property
    def outputs(self) -> tuple[str, ...]:
        """Those of MLServer that this model has."""
        return self._outputs

    @property
    def usual_method(self) -> str:
        """What the parameter says, or scikit-learn's probabilities."""
        return str(self.method)

    def call(self, method: str, rows: Any, names: list[str]) -> Any:
        """Ask the model, with a frame where it was trained on one, or with texts."""
        if isinstance(rows, str):
            rows = [rows]
        elif self._takes_texts and is_text_column(rows):
            rows = rows.ravel()
        if self._columns is not None:
            rows = order_columns(rows, names, self._columns)
            if getattr(rows, "shape", ())[1:] == (len(self._columns),):
                rows = build_frame(rows, self._columns)
        return getattr(self._model, method)(rows)

    def _read_columns(self) -> list[str] | None:
        columns = getattr(self._model, "feature_names_in_", None)
        if columns is None:
            return None
        try:
            import pandas  # noqa: F401 - asked whether it is there, before the first request
        except ImportError:
            logger.warning(
                "the model was trained on named columns and pandas is not installed: it gets "
                "arrays, and columns count by their place"
            )
            return None
        return [str(column) for column in columns]

    def _choose_method(self) -> str:
        kind, usual = type(self._model).__name__, PROBABILITIES
        has = [name for name in _METHODS if hasattr(self._model, name)]
        if self.method is None and usual not in has:
            logger.warning("%s has no predict_proba: answering with predict", kind)
            usual = PREDICT
        return choose_method(self.method, has, usual, model=f"a {kind}")
