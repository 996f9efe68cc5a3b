"""Feedback: what a prediction was worth, told to the object that made it."""

from __future__ import annotations

import math
from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message, Payload, decode_message
from seldon_deployer.server.calls import Call, Steps
from seldon_deployer.server.component import Component
from seldon_deployer.server.messages import build_answer
from seldon_deployer.server.meta import read_meta
from seldon_deployer.server.settings import Settings

_FIELDS = ("request", "response", "reward", "truth")


def answer_feedback(component: Component, settings: Settings, feedback: Message) -> Steps[Message]:
    """Tell the object of a reward; the answer is what it returns, or empty data.

    `routing` is the branch that this unit chose, where the response's meta has it. An object
    without `send_feedback` is asked by the orchestrator all the same. Raises UnitError or
    PayloadError. Source: Seldon Core v1.17.1, Python wrapper, observed: numbers are floats there,
    and values that are a field's default are left out, as its messages go through protobuf.
    """
    if (answer := component.call_raw("send_feedback", feedback)) is not None:
        return answer
    # To protobuf's JSON null is a field that is not there.
    feedback = {name: part for name, part in feedback.items() if part is not None}
    reward = _check(feedback)
    component.observer.add_reward(reward)
    request = _mapping(feedback, "request")
    features, truth = _read_data(request), _read_data(_mapping(feedback, "truth"))
    value = None
    if component.has("send_feedback"):
        routing = _routing(feedback, settings.unit)
        value = yield Call(
            "send_feedback", (features.value, features.names, reward, truth.value, routing)
        )
    own = {"puid": read_meta(request).get("puid")}
    answer = build_answer(
        component,
        settings,
        _empty() if value is None else value,
        like=features.form,
        metas=[own],
    )
    written: Message = _through_protobuf(answer)
    return written


def _check(feedback: Message) -> float:
    for name in feedback:
        if name not in _FIELDS:
            raise PayloadError(f"Feedback has no field {name!r}; it has {', '.join(_FIELDS)}")
    for name in ("request", "response", "truth"):
        if not isinstance(feedback.get(name, {}), dict):
            raise PayloadError(f"the {name} of the feedback is no message")
    reward = feedback.get("reward", 0.0)
    if isinstance(reward, bool) or not isinstance(reward, (int, float)):
        raise PayloadError("the reward of the feedback is no number")
    try:
        number = float(reward)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        # Once added to the sum of rewards it would stay there for ever.
        raise PayloadError("the reward of the feedback is not finite")
    return number


def _read_data(message: Message) -> Payload:
    """The array in a message, numbers as floats; an empty one for text, JSON or nothing."""
    if not isinstance(message.get("data"), dict):
        return Payload(_empty(), "tensor")
    payload = decode_message(message)
    if not hasattr(payload.value, "dtype"):
        # `data` that holds no array, beside another value.
        return Payload(_empty(), "tensor")
    if payload.value.dtype.kind in "iu":
        return Payload(payload.value.astype(float), payload.form, payload.names)
    return payload


def _routing(feedback: Message, unit: str | None) -> int | None:
    routing = _mapping(read_meta(_mapping(feedback, "response")), "routing")
    branch = routing.get(unit) if unit else None
    return branch if isinstance(branch, int) else None


def _through_protobuf(value: Any, field: str = "") -> Any:
    """Write an answer as protobuf's JSON has it: floats, and no defaults of its own fields."""
    if isinstance(value, dict):
        written = {name: _through_protobuf(part, name) for name, part in value.items()}
        left_out = {"data": ("names",), "tensor": ("values",)}.get(field, ())
        return {name: part for name, part in written.items() if name not in left_out or part}
    if isinstance(value, list):
        if field == "metrics":
            return [_without_default(_through_protobuf(metric)) for metric in value]
        return [_through_protobuf(part, field) for part in value]
    if isinstance(value, int) and not isinstance(value, bool) and field != "shape":
        return float(value)
    return value


def _without_default(metric: Message) -> Message:
    return {name: part for name, part in metric.items() if (name, part) != ("type", "COUNTER")}


def _mapping(given: Message, key: str) -> Message:
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def _empty() -> Any:
    import numpy as np

    return np.array([])
