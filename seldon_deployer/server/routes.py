"""The paths of a unit, and what answers each of them. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from seldon_deployer.payload import Message
from seldon_deployer.server import messages, v2
from seldon_deployer.server.calls import Steps
from seldon_deployer.server.component import Component
from seldon_deployer.server.error_handler import ErrorHandler
from seldon_deployer.server.feedback import answer_feedback
from seldon_deployer.server.openapi import describe_routes
from seldon_deployer.server.passthrough import answer_bytes
from seldon_deployer.server.replies import Replies, Reply
from seldon_deployer.server.request import Scope, read_message
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.v2_graph import answer_v2_aggregate, answer_v2_route
from seldon_deployer.server.v2_http import read_inference

Prediction = Callable[[Scope, bytes], Steps[Reply]]
Handler = Callable[[Any], Steps[Message]]
Read = Callable[[Scope, bytes], Any]

_GET = ("GET", "HEAD")
_ANY_WAY = (*_GET, "POST")
_INFER = "infer"


@dataclass(frozen=True)
class Route:
    """How a path is answered: with a constant, from a question, or from a message.

    topic: what metrics count it as. method: of the class, that a message is for.
    """

    methods: tuple[str, ...]
    topic: str
    constant: bytes = b""
    question: Callable[[], Message] | None = None
    prediction: Prediction | None = None

    @property
    def method(self) -> str | None:
        """The method of the class that it is about; None for a question."""
        return None if self.prediction is None else self.topic


class Routes:
    """The routes of one unit, by path."""

    def __init__(self, component: Component, settings: Settings, replies: Replies) -> None:
        self._component = component
        self._settings = settings
        self._replies = replies
        self._errors = ErrorHandler(component.target)
        self._by_path: dict[str, Route] = {}
        self._add_seldon()
        self._add_v2()
        document = describe_routes(
            settings.model_name,
            [(path, route.methods, route.method) for path, route in self._by_path.items()],
        )
        self._by_path["/seldon.json"] = Route(_GET, "metadata", question=lambda: document)
        self.find = self._by_path.get

    def _add_seldon(self) -> None:
        component, settings = self._component, self._settings
        health = Route(
            _GET, "health", question=partial(messages.answer_health, component, settings)
        )
        metadata = Route(
            _GET, "metadata", question=partial(messages.answer_metadata, component, settings)
        )
        for prefix in ("", "/api/v1.0"):
            self._by_path[f"{prefix}/health/status"] = health
            self._by_path[f"{prefix}/metadata"] = metadata
        self._by_path["/health/ping"] = Route(_GET, "health", constant=b"pong")
        for method in ("predict", "transform_input", "transform_output"):
            handler = partial(messages.answer_data, component, settings, method=method)
            self._add(f"/{method.replace('_', '-')}", method, handler)
        self._add("/send-feedback", "send_feedback", partial(answer_feedback, component, settings))
        self._add("/route", "route", partial(messages.answer_route, component, settings))
        combine = partial(messages.answer_aggregate, component, settings)
        self._add("/aggregate", "aggregate", combine, read=partial(read_message, takes_lists=True))
        if settings.passes_bytes:
            self._pass_bytes()
        for short, long in (("/predict", "predictions"), ("/send-feedback", "feedback")):
            for version in ("v1.0", "v0.1"):
                known = self._by_path[short]
                self._by_path[f"/api/{version}/{long}"] = Route(
                    ("POST",), known.topic, prediction=known.prediction
                )

    def _pass_bytes(self) -> None:
        known = self._by_path["/predict"]
        if known.prediction is not None:
            prediction = partial(answer_bytes, self._component, self._replies, known.prediction)
            self._by_path["/predict"] = Route(known.methods, known.topic, prediction=prediction)

    def _add_v2(self) -> None:
        component, settings = self._component, self._settings
        ready = Route(_GET, "health")
        self._by_path["/v2"] = Route(_GET, "metadata", question=v2.server_metadata)
        self._by_path["/v2/health/live"] = self._by_path["/v2/health/ready"] = ready
        described = Route(
            _GET, "metadata", question=partial(v2.model_metadata, component, settings)
        )
        infer = partial(v2.answer_inference, component, settings)
        model = f"/v2/models/{settings.model_name}"
        for path in (model, f"{model}/versions/{v2.VERSION}"):
            self._by_path[path] = described
            self._by_path[f"{path}/ready"] = ready
            self._add_for_v2(f"{path}/infer", _INFER, infer, read_inference)
        # The orchestrator's own path names no model.
        self._by_path["/v2/models/infer"] = self._by_path[f"{model}/infer"]
        route = partial(answer_v2_route, component, settings)
        self._add_for_v2(f"{model}/route", "route", route, read_message)
        combine = partial(answer_v2_aggregate, component, settings)
        read = partial(read_message, takes_lists=True)
        self._add_for_v2(f"{model}/aggregate", "aggregate", combine, read)

    def _add(self, path: str, method: str, handler: Handler, read: Read = read_message) -> None:
        answer = partial(_predict, self._replies, read, handler)
        prediction = partial(_predict_or_explain, self._errors, answer)
        self._by_path[path] = Route(_ANY_WAY, method, prediction=prediction)

    def _add_for_v2(self, path: str, method: str, handler: Handler, read: Read) -> None:
        prediction = partial(_predict, self._replies, read, handler)
        self._by_path[path] = Route(("POST",), method, prediction=prediction)


def _predict(
    replies: Replies, read: Read, handler: Handler, scope: Scope, body: bytes
) -> Steps[Reply]:
    """Read, answer and write in one go where the handler runs.

    What is large is read and written away from the event loop.
    """
    answer = yield from handler(read(scope, body))
    return replies.message(scope["path"], answer)


def _predict_or_explain(
    errors: ErrorHandler, prediction: Prediction, scope: Scope, body: bytes
) -> Steps[Reply]:
    """Answer, or have the class's own handler answer what its method raised."""
    try:
        return (yield from prediction(scope, body))
    except Exception as error:
        reply = errors.answer(scope["path"], error)
        if reply is None:
            raise
        return reply
