"""SKLEARN_SERVER: serves a scikit-learn model from its folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ArtifactError, UsageError
from seldon_deployer.server.component import UnitError

logger = logging.getLogger(__name__)

_METHODS = ("predict_proba", "predict", "decision_function")
# In this order: Seldon's own server reads the first, MLServer all of them.
_FILES = ("model.joblib", "model.pickle", "model.pkl")
_V2_OUTPUTS = ("predict", "predict_proba", "transform")


class SKLearnServer:
    """A model file behind `predict`; the method is one of scikit-learn's.

    Differs from Seldon's own server, on purpose: an unknown method ends the start with an error
    (there it means `predict`), and an estimator without `predict_proba` answers with `predict`
    after a warning, where `method` was not given (there every request fails).
    Under V2 it answers as MLServer does: `predict`, or what the request's `outputs` name.
    """

    def __init__(self, model_uri: str, method: str | None = None) -> None:
        if method is not None and method not in _METHODS:
            raise UsageError(f"unknown method {method!r}", hint=f"use {', '.join(_METHODS)}")
        self.model_uri = model_uri
        self.method = method
        self._model: Any = None

    def load(self) -> None:
        """Read the model. Raises ArtifactError when it is not there or cannot be read."""
        path = _find_model(Path(self.model_uri.removeprefix("file://")))
        import joblib

        try:
            self._model = joblib.load(path)
        except Exception as error:
            raise ArtifactError(
                f"cannot read the model {path.name}",
                why=f"{type(error).__name__}: {error}",
                hint="save it with joblib.dump, with the versions that are installed here",
            ) from error
        self.method = self._choose_method()

    def predict(self, X: Any, names: list[str]) -> Any:  # noqa: N803, ARG002 - Seldon's signature
        """Answer with the model's own method. X: (rows, features).

        Raises UnitError 400 for an input that the model refuses, with its reason.
        """
        return self._ask(str(self.method), X)

    def infer_outputs(self, X: Any, wanted: list[str]) -> list[tuple[str, Any]]:  # noqa: N803
        """Answer a V2 request: one (name, array) for each wanted output, `predict` by default.

        Raises UnitError 400 for an output that this model does not have.
        """
        for name in wanted:
            if name not in _V2_OUTPUTS or not hasattr(self._model, name):
                raise UnitError(f"this model has no output {name}")
        return [(name, self._ask(name, X)) for name in wanted or ["predict"]]

    def _ask(self, method: str, X: Any) -> Any:  # noqa: N803
        try:
            return getattr(self._model, method)(X)
        except (ValueError, TypeError) as error:
            # scikit-learn's words for a wrong shape, missing values or text.
            raise UnitError(str(error)) from error

    def _choose_method(self) -> str:
        if self.method is None and not hasattr(self._model, "predict_proba"):
            logger.warning(
                "%s has no predict_proba: answering with predict", type(self._model).__name__
            )
            return "predict"
        method = self.method or "predict_proba"
        if not hasattr(self._model, method):
            raise ArtifactError(
                f"the model has no method {method}", why=f"it is a {type(self._model).__name__}"
            )
        return method


def _find_model(place: Path) -> Path:
    if place.is_file():
        return place
    for name in _FILES:
        if (place / name).is_file():
            return place / name
    seen = ", ".join(sorted(entry.name for entry in place.iterdir())[:10]) if place.is_dir() else ""
    raise ArtifactError(
        f"no model in {place}",
        why=f"there is {seen or 'nothing'}, but none of {', '.join(_FILES)}",
        hint="save the model with joblib.dump(model, 'model.joblib') in that folder",
    )
