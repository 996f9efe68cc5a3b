"""MLFLOW_SERVER: serves any flavor of an MLflow model, as its `python_function`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import UsageError
from seldon_deployer.payload import Tensor, stack_columns, to_list
from seldon_deployer.server.columns import as_column, build_frame, is_frame
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.inference import Inference
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
from seldon_deployer.server.reason import give_reason
from seldon_deployer.server.rehearsal import rehearse_where_needed
from seldon_deployer.server.tensors import TensorSpec, as_text, describe_tensors, fit_dtype

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_XTYPES = ("ndarray", "DataFrame")
# MLServer 1.3.5 calls the one output of an array so.
_OUTPUT = "output-1"
# A signature's types of columns -> numpy dtypes, where the names differ. Source: MLflow, DataType.
_DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "object",
}


class MLflowServer:
    """An MLflow folder behind `predict` of its `python_function`.

    xtype: `ndarray` gives the model arrays, `DataFrame` frames with the names of the message as
    columns; without it the model's own signature decides, and a model without one gets arrays.
    Of a signature, columns are found by name, and values take its types where nothing is lost.
    method: of the model within, where its flavor shows it; see `method`.
    The flavor's library is the one installed here: no environment is built at start.
    """

    def __init__(self, model_uri: str, xtype: str | None = None, method: str | None = None) -> None:
        if xtype is not None and xtype not in _XTYPES:
            raise UsageError(f"unknown xtype {xtype!r}", hint=f"use {' or '.join(_XTYPES)}")
        self.model_uri = model_uri
        self.xtype = xtype
        self.method = check_method(method, (PREDICT, PROBABILITIES, SCORES))
        self._model: Any = None
        self._call: Callable[[Any], Any]
        self._columns: list[TensorSpec] = []
        self._tensors: list[TensorSpec] = []
        self._outputs: list[TensorSpec] = []
        self._refusals: tuple[type[Exception], ...] = (ValueError, TypeError, KeyError)

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed when MLflow is not installed."""
        path = find_model_file(
            self.model_uri, ("MLmodel",), hint="give the folder that mlflow's save_model wrote"
        )
        # A unit has no business with anybody but its clients.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        pyfunc = import_library("mlflow.pyfunc", package="mlflow-skinny", needed_by="MLflowServer")
        exceptions = import_library(
            "mlflow.exceptions", package="mlflow-skinny", needed_by="MLflowServer"
        )
        self._refusals = (*self._refusals, exceptions.MlflowException)
        hint = "install what its requirements.txt names, in those versions"
        with reading(path, holds="mlflow", hint=hint):
            folder = path.parent
            rehearse_where_needed(lambda: pyfunc.load_model(str(folder)), folder, hint=hint)
            self._model = pyfunc.load_model(str(folder))
            self._call = self._model.predict
        self._refusals += tuple(library_errors())
        self._read_signature(self._model.metadata.signature)
        if self.method not in (None, PREDICT):
            self._ask_inner(str(self.method))

    def predict(self, X: Any, names: list[str]) -> Any:  # noqa: N803 - Seldon's signature
        """Answer a Seldon message: an array, a frame (named columns), text, or a dict as it is.

        Raises UnitError 400 for an input that the model or its signature refuses.
        """
        if isinstance(X, dict):
            given: Any = self._build_tensors(X)
        elif hasattr(X, "dtype"):
            given = self._build_input(X, names)
        else:
            given = X
        return _plain(self._ask(given))

    def infer_tensors(self, inference: Inference) -> list[Tensor]:
        """Answer a V2 request: columns become a frame, named tensors what the signature says.

        A frame is answered by column, a dict by key, anything else as `output-1`.
        """
        inputs = inference.inputs
        if len(self._tensors) > 1:
            given: Any = self._build_tensors({each.name: each.array for each in inputs})
        elif inference.is_frame or (self._columns and len(inputs) == len(self._columns)):
            given = self._build_columns(inputs)
        else:
            given = self._build_input(*stack_columns(inputs))
        outputs = _to_tensors(_plain(self._ask(given)))
        known = {each.name: each for each in outputs}
        for name in inference.outputs:
            if name not in known:
                raise UnitError(f"this model has no output {name}; it has {', '.join(known)}")
        return [known[name] for name in inference.outputs or known]

    def init_metadata(self) -> dict[str, Any]:
        """Tell what the signature tells, in the form of V2."""
        inputs = describe_tensors(self._columns or self._tensors)
        return {
            "platform": "mlflow",
            "inputs": inputs,
            "outputs": describe_tensors(self._outputs),
        }

    def _ask_inner(self, method: str) -> None:
        """Have a method of the model within answer: `python_function` itself has predict alone."""
        try:
            inner = self._model.get_raw_model()
        except (NotImplementedError, AttributeError):
            inner = None
        has = [name for name in (PREDICT, PROBABILITIES, SCORES) if hasattr(inner, name)]
        kind = "of a flavor that hides it" if inner is None else f"a {type(inner).__name__}"
        choose_method(method, has or [PREDICT], method, model=kind)
        self._call = getattr(inner, method)

    def _read_signature(self, signature: Any) -> None:
        if signature is None:
            return
        if signature.inputs is not None:
            specs = _read_schema(signature.inputs, "input-0")
            if signature.inputs.is_tensor_spec():
                self._tensors = specs
            elif signature.inputs.has_input_names():
                self._columns = specs
        if signature.outputs is not None:
            self._outputs = _read_schema(signature.outputs, _OUTPUT)

    def _build_input(self, rows: Array, names: list[str]) -> Any:
        if self.xtype == "ndarray":
            return rows
        if self._columns:
            columns = [spec.name for spec in self._columns]
            # Names that are none of the model's say nothing: then it is the place that counts.
            is_named = bool(names) and set(names) <= set(columns)
            return self._fit_columns(_build_frame(rows, names if is_named else columns))
        if self.xtype == "DataFrame":
            return _build_frame(rows, names)
        if len(self._tensors) == 1 and self._tensors[0].dtype is not None:
            return fit_dtype(rows, self._tensors[0].dtype, self._tensors[0].name)
        return rows

    def _build_columns(self, inputs: list[Tensor]) -> Any:
        import pandas as pd

        columns = {each.name: as_text(each.array.reshape(-1)) for each in inputs}
        if len({len(column) for column in columns.values()}) > 1:
            raise UnitError("the columns differ in length")
        return self._fit_columns(pd.DataFrame(columns))

    def _build_tensors(self, given: dict[str, Any]) -> Any:
        """Named values as the signature has them; without one they are the model's to read."""
        import numpy as np

        specs = {spec.name: spec for spec in (self._tensors or self._columns)}
        if set(given) - set(specs) or not specs:
            return given
        arrays = [Tensor(name, np.asarray(value)) for name, value in given.items()]
        if self._columns:
            return self._build_columns(arrays)
        return {
            each.name: fit_dtype(each.array, specs[each.name].dtype or "object", each.name)
            for each in arrays
        }

    def _fit_columns(self, frame: Any) -> Any:
        """Give the columns of a frame the types of the signature: JSON knows but one number."""
        for spec in self._columns:
            if spec.dtype not in (None, "object") and spec.name in frame:
                column = frame[spec.name].to_numpy()
                frame[spec.name] = fit_dtype(column, str(spec.dtype), spec.name)
        return frame

    def _ask(self, given: Any) -> Any:
        try:
            return self._call(given)
        except self._refusals as error:
            raise UnitError(give_reason(error)) from error


def _read_schema(schema: Any, usual_name: str) -> list[TensorSpec]:
    """The columns or tensors of a signature; dtypes where numpy has them."""
    specs = []
    for each in schema.inputs:
        # Only a lone tensor or column goes without a name.
        name = usual_name if each.name is None else str(each.name)
        shape = tuple(each.shape) if schema.is_tensor_spec() else (-1, 1)
        # A column's type may be a list or an object of its own: they have no dtype.
        kind = getattr(each.type, "name", "")
        specs.append(TensorSpec(name, _DTYPES.get(kind, _numpy_dtype(kind)), shape))
    return specs


def _numpy_dtype(name: str) -> str | None:
    """A dtype's own name where V2 has it too; text is of objects, times and others are not told."""
    if name.startswith(("str", "object")):
        return "object"
    return name if name.startswith(("int", "uint", "float", "bool")) else None


def _build_frame(rows: Array, columns: list[str]) -> Any:
    import pandas as pd

    if rows.ndim == 2 and rows.shape[1] == len(columns):
        return build_frame(rows, columns)
    # The model's own words are the reason then: it knows what it expects.
    return pd.DataFrame(rows)


def _plain(answer: Any) -> Any:
    """What a model returned as what messages hold: frames, arrays, lists, text, dicts of lists."""
    if is_frame(answer) or isinstance(answer, (str, bytes, list)):
        return answer
    if isinstance(answer, dict):
        return {str(name): _listed(value) for name, value in answer.items()}
    # Series, tensors of frameworks and scalars of numpy.
    return answer.to_numpy() if hasattr(answer, "to_numpy") else answer


def _listed(value: Any) -> Any:
    return to_list(value) if len(getattr(value, "shape", ())) else value


def _to_tensors(value: Any) -> list[Tensor]:
    import numpy as np

    if is_frame(value):
        return [Tensor(str(name), as_column(value[name])) for name in value.columns]
    if isinstance(value, dict):
        return [Tensor(name, as_column(part)) for name, part in value.items()]
    array = np.asarray(value)
    return [Tensor(_OUTPUT, as_column(array.reshape(1) if array.ndim == 0 else array))]
