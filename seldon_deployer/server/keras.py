"""KERAS_SERVER: serves Keras models and TensorFlow SavedModels, on the CPU."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.model_file import (
    find_model_file,
    import_library,
    reading,
)
from seldon_deployer.server.reason import shorten
from seldon_deployer.server.tensors import TensorServer, TensorSpec
from seldon_deployer.server.threads import thread_count

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_FILES = ("model.keras", "model.h5")
SAVED_MODEL = "saved_model.pb"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class KerasServer(TensorServer):
    """`model.keras`, `model.h5`, or a SavedModel, bare or in the folder of a version.

    Of several versions the highest is served, as by TensorFlow Serving, through the signature
    that the parameter `signature_name` names. `safe_mode=false` lets a model run code of its own
    that it carries (Lambda layers).
    """

    def __init__(
        self,
        model_uri: str,
        output: str | None = None,
        signature_name: str = "serving_default",
        safe_mode: bool = True,
    ) -> None:
        super().__init__(model_uri, output)
        self.signature_name = signature_name
        self.safe_mode = safe_mode
        self._call: Callable[[Mapping[str, Array]], Mapping[str, Array]]

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed without TensorFlow."""
        # What TensorFlow tells of its own start is no news of the model.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        place = Path(self.model_uri.removeprefix("file://"))
        folder = place if (place / SAVED_MODEL).is_file() else find_version(place)
        if folder is None:
            path = find_model_file(
                self.model_uri,
                (*_FILES, SAVED_MODEL),
                hint="save it with model.save('model.keras')",
            )
            self._load_keras(path)
        else:
            self.load_saved_model(folder)
        self.check_output()

    def run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the model."""
        return self._call(feed)

    def explain(self, error: Exception) -> str:
        """Leave out the colours that Keras writes for terminals."""
        return shorten(_COLOURS.sub("", str(error)))

    def _load_keras(self, path: Path) -> None:
        tensorflow = self._import_tensorflow()
        keras = import_library("keras", package="keras", needed_by="KerasServer")
        self.refusals = (*self.refusals, tensorflow.errors.InvalidArgumentError)
        hint = "load it with the Keras that saved it; safe_mode=false allows Lambda layers"
        with reading(path, holds="keras", hint=hint):
            model = keras.models.load_model(str(path), compile=False, safe_mode=self.safe_mode)
        self.inputs = [_read_spec(each, each.name) for each in getattr(model, "inputs", None) or []]
        names = self._name_outputs(model)
        found = getattr(model, "outputs", None) or []
        if len(names) == len(found):
            self.outputs = [_read_spec(*each) for each in zip(found, names, strict=True)]
        # A model of a class of its own may not tell its inputs: it has one.
        self.inputs = self.inputs or [TensorSpec("input_0")]

        def call(feed: Mapping[str, Array]) -> Mapping[str, Array]:
            arrays = [feed[spec.name] for spec in self.inputs]
            answer = model.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays)
            if isinstance(answer, dict):
                return answer
            parts = list(answer) if isinstance(answer, (list, tuple)) else [answer]
            own = names if len(names) == len(parts) else [f"output_{i}" for i in range(len(parts))]
            return dict(zip(own, parts, strict=True))

        self._call = call

    @staticmethod
    def _name_outputs(model: Any) -> list[str]:
        """The names of a model's outputs; one alone is called as in a SavedModel."""
        names = [str(name) for name in getattr(model, "output_names", None) or []]
        return names if len(names) > 1 else ["output_0"]

    def load_saved_model(self, folder: Path) -> None:
        """Read the signature of the SavedModel in a folder. Raises ArtifactError or LoadFailed."""
        tensorflow = self._import_tensorflow()
        self.refusals = (*self.refusals, tensorflow.errors.InvalidArgumentError)
        hint = "export it again with model.export(folder)"
        with reading(folder / SAVED_MODEL, holds="tensorflow", hint=hint):
            model = tensorflow.saved_model.load(str(folder))
        signatures = model.signatures
        if self.signature_name not in signatures:
            raise ArtifactError(
                f"the model has no signature {self.signature_name}",
                why=f"it has {', '.join(signatures) or 'none'}",
                hint="name one by the parameter signature_name",
            )
        signature = signatures[self.signature_name]
        given = signature.structured_input_signature[1]
        self.inputs = [_read_spec(spec, name) for name, spec in given.items()]
        answered = signature.structured_outputs
        self.outputs = [_read_spec(spec, name) for name, spec in answered.items()]

        def call(feed: Mapping[str, Array]) -> Mapping[str, Array]:
            tensors = {name: tensorflow.constant(array) for name, array in feed.items()}
            # The model stays named here: a signature alone does not keep its variables.
            answer = model.signatures[self.signature_name](**tensors)
            return {name: tensor.numpy() for name, tensor in answer.items()}

        self._call = call

    @staticmethod
    def _import_tensorflow() -> Any:
        tensorflow = import_library("tensorflow", package="tensorflow", needed_by="KerasServer")
        # It does not read OMP_NUM_THREADS.
        tensorflow.config.threading.set_intra_op_parallelism_threads(thread_count())
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        return tensorflow


def find_version(place: Path) -> Path | None:
    """The highest version of a SavedModel in a folder: the numbered folder that holds it."""
    versions = [found.parent for found in place.glob(f"*/{SAVED_MODEL}")]
    numbered = [folder for folder in versions if folder.name.isdigit()]
    return max(numbered, key=lambda folder: int(folder.name), default=None)


def _read_spec(tensor: Any, name: str) -> TensorSpec:
    """Read a Keras tensor or a TensorFlow one: their dtypes and shapes look alike."""
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    shape = (
        None if tensor.shape is None else tuple(-1 if n is None else int(n) for n in tensor.shape)
    )
    return TensorSpec(name, {"string": "object", "bfloat16": "float32"}.get(dtype, dtype), shape)
