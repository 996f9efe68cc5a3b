"""LIGHTGBM_SERVER: serves a LightGBM Booster from its text file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seldon_deployer.server.categories import encode_categories
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

_FILES = ("model.txt",)
_TWO = 2


class LightGBMServer(TabularServer):
    """`model.txt` behind `Booster.predict`: a classifier's probabilities, a regressor's values.

    Of two classes those are of the second; `method=predict_proba` gives a column for each.
    """

    def __init__(self, model_uri: str, method: str | None = None) -> None:
        self.model_uri = model_uri
        self.method = check_method(method, (PREDICT, PROBABILITIES, RAW))
        self._classes = 0
        self._booster: Any = None
        self._columns: list[str] = []
        self._categories: dict[int, Sequence[Any]] = {}

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed when LightGBM is not installed."""
        path = find_model_file(
            self.model_uri, _FILES, hint="save it with booster.save_model('model.txt')"
        )
        lightgbm = import_library("lightgbm", package="lightgbm", needed_by="LightGBMServer")
        self.refusals = (*self.refusals, lightgbm.basic.LightGBMError)
        hint = "save it again with booster.save_model('model.txt')"
        with reading(path, holds="lightgbm", hint=hint):
            rehearse(lambda: _try(lightgbm, path), path, library="LightGBM", hint=hint)
            self._booster = lightgbm.Booster(model_file=str(path))
        self._columns = list(self._booster.feature_name())
        described = self._booster.dump_model(num_iteration=1)
        self._classes = _count_classes(described)
        self._categories = _read_categories(described)
        has = (*self.outputs, RAW)
        self.method = choose_method(self.method, has, PREDICT, model="no classifier")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Probabilities are a classifier's."""
        return (PREDICT, PROBABILITIES) if self._classes else (PREDICT,)

    @property
    def usual_method(self) -> str:
        """What the parameter says, or the Booster's own answer."""
        return str(self.method)

    def call(self, method: str, rows: Any, names: list[str]) -> Any:
        """Ask the Booster, its columns in their order."""
        ordered = encode_categories(
            order_columns(rows, names, self._columns),
            self._categories,
            names=names,
            expected=self._columns,
            # LightGBM's own way with them.
            takes_unknown=True,
        )
        answer = self._booster.predict(ordered, raw_score=method == RAW)
        if method == PROBABILITIES and self._classes == _TWO:
            import numpy as np

            return np.stack([1.0 - answer, answer], axis=1)
        return answer


def _count_classes(model: Mapping[str, Any]) -> int:
    """How many classes a Booster tells apart; 0 for one that is no classifier.

    Source: LightGBM, the names of objectives.
    """
    objective = str(model.get("objective", "")).partition(" ")[0]
    if objective == "binary":
        return _TWO
    return int(model["num_class"]) if objective in ("multiclass", "multiclassova") else 0


def _read_categories(model: Mapping[str, Any]) -> dict[int, Sequence[Any]]:
    """The values of pandas' categories, by the place of their column.

    LightGBM keeps them in the order of the frame, without names: columns of numbers are told apart
    by their description. Empty where that is not certain.
    """
    kept = model.get("pandas_categorical") or []
    described = model["feature_infos"]
    places = [
        place
        for place, name in enumerate(model["feature_names"])
        if described.get(name, {}).get("values")
    ]
    return dict(zip(places, kept, strict=True)) if len(places) == len(kept) else {}


def _try(lightgbm: Any, path: Path) -> None:
    booster = lightgbm.Booster(model_file=str(path))
    booster.predict(edge_rows(booster.num_feature()))
