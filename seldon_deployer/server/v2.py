"""The V2 (Open Inference) protocol over the same component. No I/O.

Answers as MLServer 1.3.5 does for the prepackaged servers: a one-dimensional result has the shape
[rows, 1], errors are `{"error": "..."}`.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from seldon_deployer import __version__
from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message, Tensor, decode_v2, encode_v2, stack_columns
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.settings import Settings

VERSION = "v1"


def answer_inference(component: Component, settings: Settings, request: Message) -> Message:
    """Answer a V2 inference request. Raises PayloadError or UnitError."""
    value, names = stack_columns(decode_v2(request, "inputs"))
    wanted = _wanted_outputs(request)
    if component.infer_outputs is not None:
        outputs = component.infer_outputs(value, wanted)
    else:
        if wanted not in ([], ["predict"]):
            raise UnitError(f"this model has the output predict, not {', '.join(wanted)}")
        outputs = [("predict", component.predict(value, names, {}))]
    return {
        "model_name": settings.model_name,
        "model_version": VERSION,
        "id": request.get("id") or str(uuid4()),
        "parameters": {},
        "outputs": [_output(name, array) for name, array in outputs],
    }


def model_metadata(component: Component, settings: Settings) -> Message:
    """Describe the model; inputs and outputs where `init_metadata` tells them."""
    given = component.metadata()
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
    return {"name": "seldon-deployer", "version": __version__, "extensions": []}


def error_message(text: str) -> Message:
    """Write the body of an error as MLServer does."""
    return {"error": text}


def _wanted_outputs(request: Message) -> list[str]:
    wanted = request.get("outputs") or []
    try:
        return [str(output["name"]) for output in wanted]
    except (KeyError, TypeError) as error:
        raise PayloadError("outputs is no list of objects with a name") from error


def _output(name: str, value: Any) -> Message:
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0 or array.dtype.kind not in "biufOSU":
        raise PayloadError(f"Unknown data type returned as payload: {type(value).__name__}")
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    return {**encode_v2(Tensor(name, array)), "parameters": {"content_type": "np"}}
