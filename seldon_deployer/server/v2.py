"""The V2 (Open Inference) protocol over the same component. No I/O.

Answers as MLServer 1.3.5 does for the prepackaged servers: the one-dimensional result of a class
has the shape [rows, 1], errors are `{"error": "..."}`. Models that name their tensors keep their
shapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

from seldon_deployer import __version__
from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message, Tensor, decode_v2, encode_v2, stack_columns
from seldon_deployer.server.batching import BY_ROWS
from seldon_deployer.server.calls import Call, Steps
from seldon_deployer.server.columns import as_column, is_frame
from seldon_deployer.server.component import INFER_TENSORS, REASON_INTERNAL, Component, UnitError
from seldon_deployer.server.encoding import encode_json
from seldon_deployer.server.inference import Inference, TypedTensor
from seldon_deployer.server.meta import Told
from seldon_deployer.server.settings import Settings

VERSION = "v1"
_PREDICT = "predict"
_TAGS = "tags."
# Identifiers are no secrets: the system is asked once, as each question hands the interpreter over.
_RANDOM = Random()  # noqa: S311


def answer_inference(
    component: Component, settings: Settings, request: Message, *, in_arrays: bool = False
) -> Steps[Message]:
    """Answer a V2 inference request. Raises PayloadError or UnitError.

    Tensors of the request may hold arrays. Those of the answer do where the request wants binary
    data, and all of them with `in_arrays`.
    """
    inputs, wanted = decode_v2(request, "inputs"), _wanted_outputs(request)
    if component.has(INFER_TENSORS):
        inference = Inference(inputs, wanted, _content_type(request), _input_types(request))
        told = Told((yield Call(INFER_TENSORS, (inference,))))
        outputs = told.data
    else:
        method = _find_method(component, settings)
        # What a transformer answers is on its way: outputs are wanted of the model.
        if method == _PREDICT and wanted not in ([], [_PREDICT]):
            raise UnitError(f"this model has the output predict, not {', '.join(wanted)}")
        told = Told.of((yield Call(method, stack_columns(inputs))))
        outputs = name_tensors(told.data, like=None if method == _PREDICT else inputs)
    parameters = answer_parameters(component, [request], told)
    return write_answer(settings, request, outputs, parameters, in_arrays=in_arrays)


def answer_parameters(component: Component, given: Sequence[Message], told: Told) -> Message:
    """The tags of an answer, as parameters `tags.NAME`: of the requests, then the object's own.

    The last one of a name wins, as in the meta of Seldon's messages. Whatever is no text, truth
    value or number is JSON text: parameters hold nothing else. What the object counts goes to the
    metrics page. Raises UnitError for a malformed metric.
    """
    tags: Message = {}
    for each in given:
        earlier = each.get("parameters")
        if isinstance(earlier, dict):
            tags |= {name: value for name, value in earlier.items() if name.startswith(_TAGS)}
    for name, value in {**component.tags(), **told.tags}.items():
        tags[f"{_TAGS}{name}"] = value if _is_parameter(value) else _as_text(value)
    component.metrics(told.metrics)
    return tags


def write_answer(
    settings: Settings,
    request: Message,
    outputs: Sequence[Tensor],
    parameters: Message,
    *,
    in_arrays: bool = False,
) -> Message:
    """Write the answer to a request: its id, and the outputs. Raises UnitError."""
    return {
        "model_name": settings.model_name,
        "model_version": VERSION,
        "id": request.get("id") or _new_id(),
        "parameters": parameters,
        "outputs": [
            _encode(output, as_array=in_arrays or _wants_binary(request, output.name))
            for output in outputs
        ],
    }


def name_tensors(value: Any, *, like: Sequence[Tensor] | None = None) -> list[Tensor]:
    """What a class of the user's returned, as outputs: an array, or the columns of a frame.

    like: tensors that it stands for, as what a transformer answers is the next unit's input: their
    names are kept, and columns that came apart go apart. Raises PayloadError.
    """
    import numpy as np

    if is_frame(value):
        return [Tensor(str(name), as_column(value[name])) for name in value.columns]
    array = np.asarray(value)
    if array.ndim == 0 or array.dtype.kind not in "biufOSU":
        raise PayloadError(f"Unknown data type returned as payload: {type(value).__name__}")
    if like is not None and len(like) == 1:
        return [Tensor(like[0].name, as_column(array))]
    if like is not None and array.ndim == 2 and array.shape[1] == len(like):
        return [Tensor(each.name, array[:, [i]]) for i, each in enumerate(like)]
    return [Tensor(_PREDICT, as_column(array))]


def model_metadata(component: Component, settings: Settings) -> Message:
    """Describe the model; inputs and outputs where `init_metadata` tells them."""
    given = {**component.metadata(), **settings.metadata}
    return {
        "name": settings.model_name,
        "versions": [VERSION],
        "platform": str(given.get("platform", "")),
        "inputs": given.get("inputs", []),
        "outputs": given.get("outputs", []),
        "parameters": {},
    }


def server_metadata() -> Message:
    """Describe this server."""
    return {"name": "seldon-deployer", "version": __version__, "extensions": ["binary_tensor_data"]}


def error_message(text: str) -> Message:
    """Write the body of an error as MLServer does."""
    return {"error": text}


def _new_id() -> str:
    return str(UUID(int=_RANDOM.getrandbits(128), version=4))


def _wanted_outputs(request: Message) -> list[str]:
    wanted = request.get("outputs") or []
    try:
        return [str(output["name"]) for output in wanted]
    except (KeyError, TypeError) as error:
        raise PayloadError("outputs is no list of objects with a name") from error


def _content_type(request: Message) -> str | None:
    kind = _parameter(request, "content_type")
    return kind if isinstance(kind, str) else None


def _input_types(request: Message) -> dict[str, str]:
    kinds = {each["name"]: _content_type(each) for each in request["inputs"]}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _find_method(component: Component, settings: Settings) -> str:
    """The method that the unit's type asks for, where the class has it; else one that it has.

    V2 has one path for models and for both kinds of transformers.
    """
    wanted = [method for method in settings.methods if method in BY_ROWS] or BY_ROWS
    return next((method for method in wanted if component.has(method)), wanted[0])


def _wants_binary(request: Message, name: str) -> bool:
    """Whether an output is wanted as binary data: what is said of it, else of the whole answer."""
    whole = _parameter(request, "binary_data_output")
    for output in request.get("outputs") or []:
        if output["name"] == name:
            own = _parameter(output, "binary_data")
            return (whole if own is None else own) is True
    return whole is True


def _is_parameter(value: Any) -> bool:
    match value:
        case int():
            # Of 64 bits, over gRPC.
            return -(2**63) <= value < 2**63
        case float():
            return math.isfinite(value)
    return isinstance(value, str)


def _as_text(value: Any) -> str:
    try:
        return encode_json(value).decode().strip()
    except (TypeError, ValueError) as error:
        raise UnitError(f"a tag cannot be sent: {error}", 500, REASON_INTERNAL) from error


def _parameter(given: Message, name: str) -> Any:
    parameters = given.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _encode(output: Tensor, *, as_array: bool) -> Message:
    try:
        encoded = encode_v2(output, as_array=as_array)
    except PayloadError as error:
        # The right type with a content that JSON cannot hold: the model's fault.
        raise UnitError(f"the answer cannot be sent: {error.what}", 500, REASON_INTERNAL) from error
    kind = output.content_type if isinstance(output, TypedTensor) else "np"
    return {**encoded, "parameters": {"content_type": kind}}
