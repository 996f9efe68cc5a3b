"""Models of named tensors: inputs and outputs by name, in both protocols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import ArtifactError, PayloadError
from seldon_deployer.payload import Tensor, encode_v2, stack_columns, to_list
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.inference import Inference
from seldon_deployer.server.reason import give_reason

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    dtype: its numpy name, `object` for text, None where the model does not tell.
    shape: sizes, -1 for one that varies; None where the model does not tell.
    """

    name: str
    dtype: str | None = None
    shape: tuple[int, ...] | None = None


class TensorServer(ABC):
    """What the servers of PyTorch, ONNX and Keras have in common.

    A subclass sets `inputs` and `outputs` when it loads, and runs the model. Arrays take the dtype
    that the model asks for, where no value is lost by it. `output` names the one output that a
    Seldon message is answered with; without it, several are answered as jsonData by name.
    """

    inputs: Sequence[TensorSpec] = ()
    outputs: Sequence[TensorSpec] = ()
    # The dtype of numbers for an input that does not tell its own.
    number_dtype = "float32"
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError)

    def __init__(self, model_uri: str, output: str | None = None) -> None:
        self.model_uri = model_uri
        self.output = output

    @abstractmethod
    def run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the model: arrays by input name in, arrays by output name out."""

    def predict(self, X: Any, names: list[str]) -> Any:  # noqa: N803, ARG002 - Seldon's signature
        """Answer a Seldon message: an array for the one input, or jsonData with each by name.

        Raises UnitError 400 for an input that the model refuses, with its reason.
        """
        answers = self._select(self.run_json(X), [self.output] if self.output else [])
        arrays = {each.name: as_text(each.array) for each in answers}
        if len(arrays) == 1:
            return next(iter(arrays.values()))
        try:
            return {name: to_list(array) for name, array in arrays.items()}
        except PayloadError as error:
            raise UnitError(
                f"the answer cannot be sent: {error.what}", 500, REASON_INTERNAL
            ) from error

    def infer_tensors(self, inference: Inference) -> list[Tensor]:
        """Answer a V2 request: all outputs, or those that it names; dtypes are the model's own.

        Raises UnitError 400 for an input that the model refuses or does not have.
        """
        given = inference.inputs
        if inference.is_frame and len(self.inputs) == 1 and given[0].name != self.inputs[0].name:
            rows, _ = stack_columns(given)
            given = [Tensor(self.inputs[0].name, rows)]
        if len(given) == len(self.inputs) == 1:
            # One tensor for the one input: clients call it what they like.
            given = [Tensor(self.inputs[0].name, given[0].array)]
        arrays = {tensor.name: tensor.array for tensor in given}
        feed = {
            spec.name: _fit(array, spec, self.number_dtype, is_json=False)
            for spec, array in self._match(arrays)
        }
        return self._select(self._run(feed), inference.outputs)

    def init_metadata(self) -> dict[str, Any]:
        """Tell what the model tells of its tensors, in the form of V2."""
        return {"inputs": describe_tensors(self.inputs), "outputs": describe_tensors(self.outputs)}

    def check_output(self) -> None:
        """Check the parameter `output`, after loading. Raises ArtifactError."""
        known = [spec.name for spec in self.outputs]
        if self.output and known and self.output not in known:
            raise ArtifactError(
                f"the model has no output {self.output}", why=f"it has {', '.join(known)}"
            )

    def explain(self, error: Exception) -> str:
        """The library's reason for refusing an input, on one line."""
        return give_reason(error)

    def run_json(self, value: Any) -> Mapping[str, Array]:
        """Run the model on what JSON tells: an array for the one input, or a dict by input name.

        Raises UnitError 400.
        """
        return self._run(
            {
                spec.name: _fit(array, spec, self.number_dtype, is_json=True)
                for spec, array in self._by_name(value)
            }
        )

    def _run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        try:
            return self.run(feed)
        except self.refusals as error:
            raise UnitError(self.explain(error)) from error

    def _by_name(self, value: Any) -> list[tuple[TensorSpec, Array]]:
        import numpy as np

        if isinstance(value, dict):
            try:
                return self._match({name: np.asarray(part) for name, part in value.items()})
            except ValueError as error:
                raise UnitError("rows of an input differ in length") from error
        if len(self.inputs) != 1:
            raise UnitError(f"the model has several inputs: send jsonData with {self._asks_for()}")
        if not isinstance(value, np.ndarray):
            raise UnitError(f"a {type(value).__name__} is no input; send data or jsonData")
        return [(self.inputs[0], value)]

    def _match(self, arrays: Mapping[str, Array]) -> list[tuple[TensorSpec, Array]]:
        expected = {spec.name for spec in self.inputs}
        if set(arrays) != expected:
            raise UnitError(f"got the inputs {', '.join(arrays)}; expected {self._asks_for()}")
        return [(spec, arrays[spec.name]) for spec in self.inputs]

    def _asks_for(self) -> str:
        return ", ".join(spec.name for spec in self.inputs)

    def _select(self, answers: Mapping[str, Array], wanted: Sequence[str]) -> list[Tensor]:
        for name in wanted:
            if name not in answers:
                raise UnitError(f"this model has no output {name}; it has {', '.join(answers)}")
        return [Tensor(name, answers[name]) for name in wanted or answers]


def describe_tensors(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    """What is known of tensors, in the words of V2 metadata."""
    return [
        {"name": spec.name, "datatype": _datatype(spec.dtype), "shape": list(spec.shape)}
        for spec in specs
        if spec.dtype is not None and spec.shape is not None
    ]


def as_text(array: Array) -> Array:
    """Turn bytes in an array of objects into text; any other array stays as it is."""
    import numpy as np

    if array.dtype.kind == "S":
        array = array.astype(object)
    if array.dtype.kind != "O":
        return array
    texts = [item.decode() if isinstance(item, bytes) else item for item in array.flat]
    return np.array(texts, dtype=object).reshape(array.shape)


def fit_dtype(array: Array, dtype: str, name: str) -> Array:
    """Give an array another dtype, where every value stays what it is (a float may be rounded).

    Raises UnitError 400 that names the input where one does not.
    """
    import numpy as np

    wanted = np.dtype(dtype)
    if array.dtype == wanted:
        return array
    if not array.size:
        # Nothing is lost, whatever it was called.
        return np.empty(array.shape, wanted)
    if wanted.kind == "O":
        fits = array.dtype.kind in "OSU"
        converted = array.astype(object) if fits else array
    elif array.dtype.kind not in "biuf":
        fits, converted = False, array
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            converted = array.astype(wanted)
        if wanted.kind == "f":
            fits = array.dtype.kind == "b" or not (np.isinf(converted) & np.isfinite(array)).any()
        else:
            fits = not (converted != array).any()
    if not fits:
        raise UnitError(f"the input {name} does not fit {_datatype(dtype)}")
    return converted


def _fit(array: Array, spec: TensorSpec, number_dtype: str, *, is_json: bool) -> Array:
    """Give an input the dtype that the model asks for.

    Where it does not tell: floats take the model's own, and so do whole numbers of a Seldon
    message, for JSON does not tell 5 from 5.0; those of V2 say themselves what they are.
    """
    if spec.dtype is not None:
        return fit_dtype(array, spec.dtype, spec.name)
    is_number = array.dtype.kind == "f" or (is_json and array.dtype.kind in "iu")
    return fit_dtype(array, number_dtype, spec.name) if is_number else array


def _datatype(dtype: str) -> str:
    """The V2 name of a numpy dtype."""
    import numpy as np

    return str(encode_v2(Tensor("", np.empty(0, dtype)))["datatype"])
