"""TENSORFLOW_SERVER: serves a SavedModel as TensorFlow Serving behind Seldon's proxy does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import ArtifactError, PayloadError
from seldon_deployer.payload import to_list
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.keras import SAVED_MODEL, KerasServer, find_version
from seldon_deployer.server.tensors import as_text

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_DEFAULT_SIGNATURE = "serving_default"
# An output of this ending holds bytes that are no text.
_BYTES = "_bytes"
_FORMS = ("instances", "inputs")


class TensorFlowServer(KerasServer):
    """The highest of the numbered versions of a SavedModel, one signature of it.

    A message's array is the model's one input, answered with the output `model_output`; jsonData
    is a request of TensorFlow Serving's REST API, in rows (`instances`) or by input (`inputs`).
    `model_name` and the endpoints are of the server that is not there.

    Source: TensorFlow Serving, RESTful API, predict; Seldon Core 1.17.1, its proxy.
    """

    def __init__(
        self,
        model_uri: str,
        signature_name: str | None = None,
        model_input: str | None = None,
        model_output: str | None = None,
        model_name: str | None = None,  # noqa: ARG002 - told to every unit
        rest_endpoint: str | None = None,  # noqa: ARG002
        grpc_endpoint: str | None = None,  # noqa: ARG002
    ) -> None:
        super().__init__(model_uri, model_output, signature_name or _DEFAULT_SIGNATURE)
        self.model_input = model_input

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed without TensorFlow."""
        folder = find_version(Path(self.model_uri.removeprefix("file://")))
        if folder is None:
            raise ArtifactError(
                f"no version of a model is in {self.model_uri}",
                why=f"TensorFlow Serving reads NUMBER/{SAVED_MODEL}",
                hint="export the model into a folder that is called 1",
            )
        self.load_saved_model(folder)
        known = [spec.name for spec in self.inputs]
        if self.model_input and self.model_input not in known:
            raise ArtifactError(
                f"the model has no input {self.model_input}", why=f"it has {', '.join(known)}"
            )
        self.check_output()

    def predict(self, X: Any, names: list[str]) -> Any:  # noqa: N803 - Seldon's signature
        """Answer a Seldon message; jsonData as TensorFlow Serving answers it.

        Raises UnitError 400 for an input that the model refuses, with its reason.
        """
        return self._answer(X) if isinstance(X, dict) else super().predict(X, names)

    def _answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        form = self._check(body)
        value = _decode(body[form])
        if form == "inputs":
            answers = self._write(self.run_json(_stack(value)))
            return {"outputs": next(iter(answers.values())) if len(answers) == 1 else answers}
        if not isinstance(value, list) or not value:
            raise UnitError("instances is no list of rows")
        answers = self._write(self.run_json(_stack(_by_input(value))))
        for name, rows in answers.items():
            if not isinstance(rows, list) or len(rows) != len(value):
                raise UnitError(
                    f"the output {name} has not one row for each instance: send inputs instead"
                )
        if len(answers) == 1:
            return {"predictions": next(iter(answers.values()))}
        rows = zip(*answers.values(), strict=True)
        return {"predictions": [dict(zip(answers, row, strict=True)) for row in rows]}

    def _check(self, body: Mapping[str, Any]) -> str:
        """Which form a request has. Raises UnitError 400."""
        forms = [form for form in _FORMS if form in body]
        if len(forms) != 1:
            raise UnitError("jsonData holds either instances or inputs, as for TensorFlow Serving")
        signature = body.get("signature_name", self.signature_name)
        if signature != self.signature_name:
            raise UnitError(
                f"the signature {self.signature_name} is served here; the parameter "
                "signature_name chooses another"
            )
        return forms[0]

    @staticmethod
    def _write(answers: Mapping[str, Array]) -> dict[str, Any]:
        try:
            return {
                name: _encode(array.tolist())
                if name.endswith(_BYTES)
                else to_list(as_text(array)[None])[0]
                for name, array in answers.items()
            }
        except PayloadError as error:
            raise UnitError(
                f"the answer cannot be sent: {error.what}", 500, REASON_INTERNAL
            ) from error
        except UnicodeDecodeError as error:
            raise UnitError(
                "the answer holds bytes that are no text: end the output's name in _bytes",
                500,
                REASON_INTERNAL,
            ) from error


def _by_input(rows: list[Any]) -> Any:
    """Turn rows that name their inputs into lists by input; other rows are the one input's."""
    if not any(isinstance(row, dict) for row in rows):
        return rows
    first = rows[0]
    for row in rows:
        if not isinstance(row, dict) or row.keys() != first.keys():
            raise UnitError("each of the instances has to name the same inputs")
    return {name: [row[name] for row in rows] for name in first}


def _stack(value: Any) -> Any:
    """Lists as arrays, by input where they are. Raises UnitError 400 where rows differ."""
    import numpy as np

    def stack(part: Any) -> Array:
        if _holds_bytes(part):
            return np.array(part, dtype=object)
        try:
            return np.asarray(part)
        except ValueError as error:
            raise UnitError("rows of an input differ in length") from error

    if isinstance(value, dict):
        return {name: stack(part) for name, part in value.items()}
    return stack(value)


def _holds_bytes(value: Any) -> bool:
    # numpy cuts zeros off the end of bytes that are no objects.
    if isinstance(value, list):
        return any(_holds_bytes(item) for item in value)
    return isinstance(value, bytes)


def _decode(value: Any) -> Any:
    """Read `{"b64": TEXT}` as bytes, wherever it stands."""
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"b64"}:
        return {name: _decode(item) for name, item in value.items()}
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise UnitError("b64 holds no base64") from error


def _encode(value: Any) -> Any:
    if isinstance(value, list):
        return [_encode(item) for item in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
