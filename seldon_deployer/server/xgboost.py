"""XGBOOST_SERVER: serves an XGBoost model from any of its own formats."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from seldon_deployer.server.categories import encode_categories
from seldon_deployer.server.columns import order_columns
from seldon_deployer.server.component import UnitError
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

# In this order: Seldon's own server reads the first, MLServer all of them.
_FILES = ("model.bst", "model.json", "model.ubj")
_BOOSTER = "booster"

logger = logging.getLogger(__name__)


class XGBoostServer(TabularServer):
    """A Seldon message is answered by `Booster.predict`, as on Seldon's own server, or `method`.

    Under V2 it is what MLServer answers: `predict` of the class that saved the model, which are
    labels of an XGBClassifier, and its `predict_proba`; of a plain Booster its own `predict`.
    """

    def __init__(self, model_uri: str, method: str | None = None) -> None:
        self.model_uri = model_uri
        self.method = check_method(method, (PREDICT, PROBABILITIES, RAW))
        self._xgboost: Any = None
        self._booster: Any = None
        self._classifier: Any = None
        self._columns: list[str] = []
        self._categories: dict[int, Sequence[Any]] = {}

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed when XGBoost is not installed."""
        path = find_model_file(
            self.model_uri, _FILES, hint="save it with model.save_model('model.json')"
        )
        self._xgboost = import_library("xgboost", package="xgboost", needed_by="XGBoostServer")
        hint = "save it as model.json or model.ubj with the XGBoost that trained it, 1.7 or newer"
        with reading(path, holds="xgboost", hint=hint):
            # From memory: of a file the ending would have to tell the format, and .bst does not.
            content = bytearray(path.read_bytes())
            rehearse(lambda: self._try(content), path, library="XGBoost", hint=hint)
            self._booster = self._xgboost.Booster()
            self._booster.load_model(content)
            if _saved_by(self._booster) == "classifier":
                import_library("sklearn", package="scikit-learn", needed_by="XGBClassifier")
                self._classifier = self._xgboost.XGBClassifier()
                self._classifier.load_model(content)
        self._columns = list(self._booster.feature_names or [])
        self._categories = _read_categories(self._booster)
        self._forget_names()
        if self.method is not None:
            has = (*self.outputs, RAW)
            choose_method(self.method, has, self.method, model="no XGBClassifier")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Probabilities are a classifier's."""
        return (PREDICT,) if self._classifier is None else (PREDICT, PROBABILITIES)

    @property
    def usual_method(self) -> str:
        """Seldon's own server asks the Booster, whatever class saved it."""
        return self.method or _BOOSTER

    def call(self, method: str, rows: Any, names: list[str]) -> Any:
        """Ask the Booster or the classifier, the columns by name where the model knows names."""
        wanted = self._booster.num_features()
        if getattr(rows, "shape", ())[1:] != (wanted,):
            # A Booster takes columns that are not there for missing values, and says nothing.
            raise UnitError(f"the model has {wanted} features; got the shape {_shape(rows)}")
        ordered = encode_categories(
            order_columns(rows, names, self._columns),
            self._categories,
            names=names,
            expected=self._columns,
            # XGBoost's own way with them.
            takes_unknown=False,
        )
        if method == RAW:
            return self._booster.predict(self._xgboost.DMatrix(ordered), output_margin=True)
        if self._classifier is not None and method != _BOOSTER:
            return getattr(self._classifier, method)(ordered)
        return self._booster.predict(self._xgboost.DMatrix(ordered))

    def _try(self, content: bytearray) -> None:
        booster = self._xgboost.Booster()
        booster.load_model(content)
        booster.feature_names = None
        booster.predict(self._xgboost.DMatrix(edge_rows(booster.num_features())))

    def _forget_names(self) -> None:
        """Have columns counted by place: with names of its own a Booster refuses plain arrays."""
        self._booster.feature_names = None
        if self._classifier is not None:
            self._classifier.get_booster().feature_names = None


def _shape(rows: Any) -> str:
    return str(list(getattr(rows, "shape", ())))


def _saved_by(booster: Any) -> str | None:
    """The kind of scikit-learn wrapper that saved a model; None for a plain Booster."""
    text = booster.attributes().get("scikit_learn")
    return json.loads(text).get("_estimator_type") if text else None


def _read_categories(booster: Any) -> dict[int, Sequence[Any]]:
    """The values of pandas' categories, by the place of their column.

    Empty for a model that XGBoost before 3.1 saved: it kept none of them.
    """
    if "c" not in (booster.feature_types or ()):
        return {}
    learner = json.loads(booster.save_raw("json"))["learner"]
    # Of DART the trees, and all that belongs to them, lie one level deeper.
    inner = learner["gradient_booster"]
    model = inner.get("gbtree", inner).get("model", {})
    kept = model.get("cats", {}).get("enc", [])
    found = {}
    for place, each in enumerate(kept):
        try:
            found[place] = _read_values(each)
        except ValueError:
            logger.warning(
                "the categories of column %d are not read: XGBoost counts characters where it "
                "keeps bytes, and loses text beyond ASCII. Their numbers can be sent",
                place,
            )
    return {place: values for place, values in found.items() if values}


def _read_values(kept: Mapping[str, Any]) -> Sequence[Any]:
    """The values of one column. Raises ValueError for text beyond ASCII."""
    values: list[Any] = kept["values"]
    if "offsets" not in kept:
        return values
    # C's signed characters: what is no ASCII is below 0, and no byte.
    offsets, text = kept["offsets"], bytes(values)
    return [text[start:end].decode() for start, end in pairwise(offsets)]
