"""Seldon's REST messages: a request in, what the component says, an answer out. No I/O.

Source: Seldon Core v1.17.1, Python wrapper, observed. Differs on purpose where the wrapper's answer
is a fault: NaN is `null` (there: a document that is no JSON).
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Form, Message, decode_message, encode_message
from seldon_deployer.server.columns import is_frame
from seldon_deployer.server.component import REASON_INTERNAL, Component, UnitError
from seldon_deployer.server.settings import Settings

REASON_BAD_METADATA = "MICROSERVICE_BAD_METADATA"


def answer_prediction(component: Component, settings: Settings, request: Message) -> Message:
    """Answer a prediction. Raises UnitError or PayloadError for what is the caller's fault."""
    if component.takes_messages:
        answer = component.predict_raw(request)
        if not isinstance(answer, dict):
            raise UnitError("predict_raw returned no message", 500, REASON_INTERNAL)
        return answer
    payload = decode_message(request)
    meta = request.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    value = component.predict(payload.value, payload.names, meta)
    return _answer(component, settings, value, like=payload.form, meta=meta)


def answer_health(component: Component, settings: Settings) -> Message:
    """Answer a health check with what the object says of itself."""
    return _answer(component, settings, component.health_status(), like=None, meta={})


def answer_metadata(component: Component, settings: Settings) -> Message:
    """Describe the model: what `init_metadata` tells over name and version of the image.

    Raises UnitError when `init_metadata` gives something that is no metadata.
    """
    name, version = _split_image(settings.image or settings.model_name)
    described: Message = {
        "name": name,
        "versions": [version] if version else [],
        "platform": "",
        "inputs": [],
        "outputs": [],
        "custom": {},
    }
    try:
        given = component.metadata()
    except (TypeError, ValueError) as error:
        raise UnitError("init_metadata returned no dict", 500, REASON_BAD_METADATA) from error
    for key, value in given.items():
        if key in described and type(value) is not type(described[key]):
            raise UnitError(f"Invalid metadata: {key}", 500, REASON_BAD_METADATA)
    return {**described, **given}


def error_message(info: str, reason: str = REASON_INTERNAL) -> Message:
    """Write the body of an error as Seldon's Python wrapper does."""
    return {"status": {"status": 1, "info": info, "code": -1, "reason": reason}}


def _answer(
    component: Component, settings: Settings, value: Any, *, like: Form | None, meta: Message
) -> Message:
    names = component.class_names() if not isinstance(value, (str, bytes, dict)) else None
    if is_frame(value):
        names, value = [str(name) for name in value.columns], value.to_numpy()
    try:
        answer = encode_message(value, like=like, names=names)
    except PayloadError as error:
        if isinstance(value, list) or hasattr(value, "dtype"):
            # The right type with a content that JSON cannot hold: the model's fault.
            raise UnitError(
                f"the answer cannot be sent: {error.what}", 500, REASON_INTERNAL
            ) from error
        raise
    answer["meta"] = _answer_meta(component, settings, meta)
    return answer


def _answer_meta(component: Component, settings: Settings, given: Message) -> Message:
    """Meta of an answer: the request's own, then the object's; later tags win."""
    meta: Message = {}
    if given.get("puid"):
        meta["puid"] = given["puid"]
    tags = {**_mapping(given, "tags"), **component.tags()}
    if tags:
        meta["tags"] = tags
    earlier = given.get("metrics")
    metrics = [*(earlier if isinstance(earlier, list) else []), *component.metrics()]
    if metrics:
        meta["metrics"] = metrics
    path = _mapping(given, "requestPath")
    if settings.unit:
        path = {settings.unit: settings.image or "", **path}
    if path:
        meta["requestPath"] = path
    return meta


def _mapping(given: Message, key: str) -> Message:
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def _split_image(image: str) -> tuple[str, str]:
    """Split `registry:5000/name:tag` into the name and the tag."""
    path, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{path}{slash}{name}", tag
