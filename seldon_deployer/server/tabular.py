"""Models of rows and columns: one method answers, in both protocols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from seldon_deployer.payload import Tensor, stack_columns
from seldon_deployer.server.columns import as_column
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.inference import Inference
from seldon_deployer.server.reason import give_reason


class TabularServer(ABC):
    """What the servers of scikit-learn, XGBoost, LightGBM and CatBoost have in common.

    A subclass says which outputs V2 may ask for, which method answers a Seldon message, and how a
    method is called. `refusals` are the exceptions by which its library rejects a caller's data.
    """

    refusals: tuple[type[Exception], ...] = (ValueError, TypeError)

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """The outputs that this model has under V2, the usual one first."""

    @property
    def usual_method(self) -> str:
        """The method that answers a Seldon message."""
        return self.outputs[0]

    @abstractmethod
    def call(self, method: str, rows: Any, names: list[str]) -> Any:
        """Ask one of the model's methods."""

    def predict(self, X: Any, names: list[str]) -> Any:  # noqa: N803 - Seldon's signature
        """Answer a Seldon message. X: (rows, features).

        Raises UnitError 400 for an input that the model refuses, with its reason.
        """
        return self._ask(self.usual_method, X, names)

    def infer_tensors(self, inference: Inference) -> list[Tensor]:
        """Answer a V2 request: a tensor (rows, columns) for each wanted output.

        Raises UnitError 400 for an output that this model does not have.
        """
        for name in inference.outputs:
            if name not in self.outputs:
                raise UnitError(
                    f"this model has no output {name}; it has {', '.join(self.outputs)}"
                )
        rows, names = stack_columns(inference.inputs)
        return [
            Tensor(name, as_column(self._ask(name, rows, names)))
            for name in inference.outputs or self.outputs[:1]
        ]

    def _ask(self, method: str, rows: Any, names: list[str]) -> Any:
        try:
            return self.call(method, rows, names)
        except self.refusals as error:
            # The library's own words for a wrong shape, missing values or text.
            raise UnitError(give_reason(error)) from error
