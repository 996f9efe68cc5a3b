"""Seldon's REST messages: a request in, what the component says, an answer out. No I/O.

Source: Seldon Core v1.17.1, Python wrapper, observed. Differs on purpose where the wrapper's answer
is a fault (`docs/differences.md`), unless the settings are strict.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Form, Message, Payload, decode_message, encode_message
from seldon_deployer.server.calls import Call, Steps
from seldon_deployer.server.columns import is_frame
from seldon_deployer.server.component import (
    REASON_INTERNAL,
    Component,
    NotDefined,
    UnitError,
)
from seldon_deployer.server.meta import JsonValue, Told, answer_meta, read_meta
from seldon_deployer.server.request import no_message
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.wrapper_codec import decode_loosely, encode_loosely

REASON_BAD_METADATA = "MICROSERVICE_BAD_METADATA"


def answer_data(
    component: Component, settings: Settings, request: Message, *, method: str
) -> Steps[Message]:
    """Answer by `predict`, `transform_input` or `transform_output`.

    Without a transform a message passes as it is: in a graph both kinds of units are asked for
    either. Raises UnitError or PayloadError for what is the caller's fault.
    """
    if (answer := component.call_raw(method, request)) is not None:
        return answer
    payload = _decode(settings, request)
    meta = read_meta(request)
    if method != "predict" and not component.has(method):
        value = payload.value
    else:
        try:
            value = yield Call(method, (payload.value, payload.names), meta)
        except NotDefined:
            if not settings.is_strict:
                raise
            value = []
    return build_answer(component, settings, value, like=payload.form, metas=[meta])


def answer_route(component: Component, settings: Settings, request: Message) -> Steps[Message]:
    """Answer which child a message goes to: the number in an array of one row and column.

    -1 is all of them, -2 none. Raises UnitError 400 for anything but a whole number.
    """
    if (answer := component.call_raw("route", request)) is not None:
        return answer
    payload = _decode(settings, request)
    meta = read_meta(request)
    branch = read_branch((yield Call("route", (payload.value, payload.names), meta)), settings)
    own = {"puid": meta.get("puid")}
    return build_answer(component, settings, branch, like=payload.form, metas=[own])


def read_branch(answer: Any, settings: Settings) -> Told:
    """A router's answer as an array of one row and column, with what it says besides.

    Raises UnitError for no whole number.
    """
    told = Told.of(answer)
    branch = told.data
    # numpy's whole numbers are what argmax gives; a bool is an int to Python only.
    is_branch = isinstance(branch, Integral) and not isinstance(branch, bool)
    if settings.is_strict:
        is_branch = isinstance(branch, int)
    if not is_branch:
        raise UnitError(f"Routing response must be int but got {branch}")
    return replace(told, data=_array([[branch]]))


def answer_aggregate(component: Component, settings: Settings, request: Any) -> Steps[Message]:
    """Answer several messages with one: a list of them, or an object with `seldonMessages`.

    The answer has the form of the first one, and the meta of all. Raises UnitError or PayloadError.
    """
    if (answer := component.call_raw("aggregate", request)) is not None:
        return answer
    given = request.get("seldonMessages") if isinstance(request, dict) else request
    if not isinstance(given, list):
        raise no_message(request)
    if not given and not settings.is_strict:
        raise PayloadError("there are no messages to aggregate")
    payloads = []
    for message in given:
        if not isinstance(message, dict):
            raise no_message(message)
        payloads.append(_decode(settings, message))
    values, names = [each.value for each in payloads], [each.names for each in payloads]
    value = yield Call("aggregate", (values, names))
    metas = [read_meta(message) for message in given]
    return build_answer(component, settings, value, like=payloads[0].form, metas=metas)


def answer_health(component: Component, settings: Settings) -> Message:
    """Answer a health check with what the object says of itself."""
    if (answer := component.health_message()) is not None:
        return answer
    return build_answer(component, settings, component.health_status(), like=None, metas=[{}])


def answer_metadata(component: Component, settings: Settings) -> Message:
    """Describe the model: what `init_metadata` tells over name and version of the image.

    Raises UnitError when `init_metadata` gives something that is no metadata.
    """
    name, version = _split_image(settings.image or settings.model_name)
    described: Message = {
        "name": name,
        "versions": [version] if version or settings.is_strict else [],
        "platform": "",
        "inputs": [],
        "outputs": [],
        "custom": {},
    }
    try:
        given = {**component.metadata(), **settings.metadata}
    except (TypeError, ValueError) as error:
        raise UnitError("init_metadata returned no dict", 500, REASON_BAD_METADATA) from error
    for key, value in given.items():
        if key in described and type(value) is not type(described[key]):
            raise UnitError(f"Invalid metadata: {key}", 500, REASON_BAD_METADATA)
    return {**described, **given}


def error_message(info: str, reason: str = REASON_INTERNAL) -> Message:
    """Write the body of an error as Seldon's Python wrapper does."""
    return {"status": {"status": 1, "info": info, "code": -1, "reason": reason}}


def build_answer(
    component: Component, settings: Settings, value: Any, *, like: Form | None, metas: list[Message]
) -> Message:
    """Write a value as an answer, with the metas of the requests and the object's own."""
    told = Told.of(value)
    if isinstance(told.data, JsonValue):
        meta = answer_meta(component, settings, metas, told)
        return {"jsonData": told.data.value, "meta": meta}
    value = bytes(told.data) if isinstance(told.data, bytearray) else told.data
    names = None
    if is_frame(value):
        names, value = [str(name) for name in value.columns], value.to_numpy()
    encode = encode_loosely if settings.is_strict else encode_message
    try:
        answer = encode(value, like=like, names=names)
    except PayloadError as error:
        if isinstance(value, list) or getattr(value, "ndim", 0) > 0:
            # The right type with a content that JSON cannot hold: the model's fault.
            raise UnitError(
                f"the answer cannot be sent: {error.what}", 500, REASON_INTERNAL
            ) from error
        raise
    data = answer.get("data")
    # What has no columns has no names, whatever the class calls its columns.
    if names is None and data and data["names"] and (own := component.class_names()) is not None:
        data["names"] = own
    answer["meta"] = answer_meta(component, settings, metas, told)
    return answer


def _decode(settings: Settings, message: Message) -> Payload:
    return (decode_loosely if settings.is_strict else decode_message)(message)


def _array(rows: list[list[int]]) -> Any:
    import numpy as np

    return np.array(rows)


def _split_image(image: str) -> tuple[str, str]:
    """Split `registry:5000/name:tag` into the name and the tag."""
    path, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{path}{slash}{name}", tag
