"""LIGHTGBM_SERVER: serves a LightGBM Booster from its text file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seldon_deployer.server.columns import order_columns
from seldon_deployer.server.model_file import find_model_file, import_library, reading
from seldon_deployer.server.rehearsal import edge_rows, rehearse
from seldon_deployer.server.tabular import TabularServer

_FILES = ("model.txt",)


class LightGBMServer(TabularServer):
    """`model.txt` behind `Booster.predict`: a classifier's probabilities, a regressor's values."""

    def __init__(self, model_uri: str) -> None:
        self.model_uri = model_uri
        self._booster: Any = None
        self._columns: list[str] = []

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

    @property
    def outputs(self) -> tuple[str, ...]:
        """A Booster has one answer."""
        return ("predict",)

    def call(self, method: str, rows: Any, names: list[str]) -> Any:  # noqa: ARG002 - there is one
        """Ask the Booster, its columns in their order."""
        return self._booster.predict(order_columns(rows, names, self._columns))


def _try(lightgbm: Any, path: Path) -> None:
    booster = lightgbm.Booster(model_file=str(path))
    booster.predict(edge_rows(booster.num_feature()))
