"""TRITON_SERVER: serves a model of a Triton model repository, on the CPU, by our own servers.

Source: NVIDIA Triton 21.08, model repository and model configuration.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.keras import KerasServer
from seldon_deployer.server.onnx import ONNXServer
from seldon_deployer.server.pytorch import PyTorchServer
from seldon_deployer.server.tensors import TensorServer, TensorSpec
from seldon_deployer.server.triton_repository import (
    ONNX,
    TENSORFLOW,
    TORCH,
    Backend,
    StoredModel,
    find_model,
)
from seldon_deployer.server.triton_tensors import Link, link_by_name, link_by_position

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

logger = logging.getLogger(__name__)

_UNIT = "PREDICTIVE_UNIT_ID"
_SERVERS: Mapping[Backend, Callable[[str], ONNXServer | PyTorchServer | KerasServer]] = {
    ONNX: ONNXServer,
    TORCH: PyTorchServer,
    TENSORFLOW: KerasServer,
}


class TritonServer(TensorServer):
    """A model repository: ONNX, TorchScript and SavedModels, under the names of config.pbtxt.

    Served is the model of the unit's name (or of `model_name`), else the only one that is there,
    in its highest version. Inputs have to have the shapes that are configured.
    """

    def __init__(
        self, model_uri: str, output: str | None = None, model_name: str | None = None
    ) -> None:
        super().__init__(model_uri, output)
        self.model_name = model_name or os.environ.get(_UNIT)
        self._platform = ""
        self._model: TensorServer
        self._given: list[Link] = []
        self._link_outputs: Callable[[Mapping[str, Array]], list[Link]]

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed without the library that it needs."""
        stored = find_model(Path(self.model_uri.removeprefix("file://")), self.model_name)
        model = _SERVERS[stored.backend](str(stored.path))
        model.load()
        self._model, self._platform = model, stored.backend.platform
        self.refusals, self.number_dtype = model.refusals, model.number_dtype
        if stored.backend is TORCH:
            self._link_by_position(stored, model)
        else:
            self._link_by_name(stored, model)
        self.inputs = [link.spec for link in self._given]
        self.check_output()
        logger.info("version %d of %s (%s)", stored.version, stored.name, stored.backend.name)

    def run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the model on arrays by the configured names; answers by the configured names."""
        answers = self._model.run(
            {link.own_name: link.to_model(feed[link.spec.name]) for link in self._given}
        )
        return {
            link.spec.name: link.to_client(answers[link.own_name])
            for link in self._link_outputs(answers)
        }

    def explain(self, error: Exception) -> str:
        """The reason as the server of the model's own library tells it."""
        return self._model.explain(error)

    def init_metadata(self) -> dict[str, Any]:
        """Tell of the tensors, and of the platform in Triton's words."""
        return {"platform": self._platform, **super().init_metadata()}

    def _link_by_name(self, stored: StoredModel, model: TensorServer) -> None:
        config = stored.config
        self._given = link_by_name("input", config.inputs, model.inputs, config)
        links = link_by_name("output", config.outputs, model.outputs, config)
        self.outputs = [link.spec for link in links]
        self._link_outputs = lambda _: links

    def _link_by_position(self, stored: StoredModel, model: TensorServer) -> None:
        config = stored.config
        if not config.inputs:
            logger.warning(
                "nothing describes the tensors of %s: they are called INPUT__0, OUTPUT__0 and so "
                "on; Triton itself, on a cluster, wants a config.pbtxt that does",
                stored.name,
            )
        names = [spec.name for spec in model.inputs]
        self._given = link_by_position("input", config.inputs, names, config)

        def link_outputs(answers: Mapping[str, Array]) -> list[Link]:
            try:
                return link_by_position("output", config.outputs, list(answers), config)
            except ArtifactError as error:
                # A model of TorchScript tells its outputs by answering.
                raise UnitError(f"{error.what}: {error.why}", 500, REASON_INTERNAL) from error

        self.outputs = [
            TensorSpec(each.name, each.dtype, config.full_shape(each.dims))
            for each in config.outputs
        ]
        self._link_outputs = link_outputs
