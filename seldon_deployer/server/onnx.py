"""ONNX_SERVER: serves an ONNX model with ONNX Runtime, on the CPU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seldon_deployer.server.model_file import find_model_file, import_library, reading
from seldon_deployer.server.tensors import TensorServer, TensorSpec
from seldon_deployer.server.threads import thread_count

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_FILES = ("model.onnx",)
_TENSOR = re.compile(r"tensor\((\w+)\)")
# ONNX element type -> numpy dtype, where the names differ. Source: ONNX, IR specification.
_DTYPES = {"float": "float32", "double": "float64", "string": "object"}


class ONNXServer(TensorServer):
    """`model.onnx`: inputs and outputs are those that the model names.

    A sequence of maps, as converted scikit-learn classifiers answer, becomes one column per key.
    """

    def __init__(self, model_uri: str, output: str | None = None) -> None:
        super().__init__(model_uri, output)
        self._session: Any = None

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed without ONNX Runtime."""
        path = find_model_file(
            self.model_uri, _FILES, hint="save it with onnx.save(model, 'model.onnx')"
        )
        runtime = import_library("onnxruntime", package="onnxruntime", needed_by="ONNXServer")
        self.refusals = (
            *self.refusals,
            runtime.capi.onnxruntime_pybind11_state.InvalidArgument,
        )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        options.inter_op_num_threads = 1
        hint = "check it with onnx.checker; a newer opset than the runtime's asks for a newer one"
        with reading(path, holds="onnx", hint=hint):
            # A path, not bytes: weights may lie in files beside it.
            self._session = runtime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        self.inputs = [_read_spec(each) for each in self._session.get_inputs()]
        self.outputs = [_read_spec(each) for each in self._session.get_outputs()]
        self.check_output()

    def run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the session."""
        answers = self._session.run(None, dict(feed))
        names = (spec.name for spec in self.outputs)
        return dict(zip(names, map(_to_array, answers), strict=True))


def _read_spec(node: Any) -> TensorSpec:
    found = _TENSOR.fullmatch(node.type)
    if found is None:
        return TensorSpec(node.name)
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    return TensorSpec(node.name, _DTYPES.get(found[1], found[1]), shape)


def _to_array(answer: Any) -> Array:
    """An output as an array; of maps with the same keys (rows), the values in key order."""
    import numpy as np

    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return np.array([list(row.values()) for row in answer])
    return np.asarray(answer)
