"""The user's object as the server sees it: what it can do, called the way it can be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from seldon_deployer.payload import Message
from seldon_deployer.server.awaiting import Awaiting
from seldon_deployer.server.metrics import Metrics

K = TypeVar("K")

REASON_BAD_DATA = "MICROSERVICE_BAD_DATA"
REASON_BAD_METRIC = "MICROSERVICE_BAD_METRIC"
REASON_INTERNAL = "MICROSERVICE_INTERNAL_ERROR"

# Of our own loaders: a V2 request as a whole, with its named tensors.
INFER_TENSORS = "infer_tensors"
METHODS = ("predict", "transform_input", "transform_output", "route", "aggregate", "send_feedback")
# Endings of methods for whole messages of one protocol, from before `_raw`.
REST, GRPC = "rest", "grpc"
# What a message passes through unchanged where the class has nothing to do with it.
_IDENTITIES = ("transform_input", "transform_output")
# Of send_feedback: features, names, reward, truth, routing.
_MOST_VALUES = 5
# As protobuf numbers them.
METRIC_TYPES = ("COUNTER", "GAUGE", "TIMER")


class UnitError(Exception):
    """An answer that is an error: its HTTP status, and the reason in its body."""

    def __init__(self, message: str, status_code: int = 400, reason: str = REASON_BAD_DATA) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.reason = reason


class NotDefined(UnitError):
    """The object does not have the method that a request needs."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method.capitalize()} not defined")


class Method:
    """A method of the user's: how many values go in by position, and whether `meta` by name."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.positional = 0
        self.takes_meta = False
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:
            # Written in C, without a signature to read.
            self.positional = _MOST_VALUES
            return
        for parameter in parameters:
            match parameter.kind:
                case parameter.VAR_POSITIONAL:
                    self.positional = _MOST_VALUES
                case parameter.VAR_KEYWORD:
                    self.takes_meta = True
                case parameter.KEYWORD_ONLY:
                    self.takes_meta = self.takes_meta or parameter.name == "meta"
                case _ if parameter.name == "meta":
                    self.takes_meta = True
                case _:
                    self.positional += 1


class Component:
    """A loaded object and what it can do. Signatures are read once, here.

    A method is never tried twice: a TypeError inside the user's own code is an error, no reason to
    call it again with fewer arguments.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        # Told what the class counts, and what feedback is worth.
        self.observer = Metrics()
        self.awaiting = Awaiting()
        # Whether whole messages keep the metrics that the class put into them.
        self.shows_metrics = True
        self._methods = {
            name: Method(function)
            for name in (*METHODS, INFER_TENSORS)
            if callable(function := getattr(target, name, None))
        }

    def can(self, method: str) -> bool:
        """Whether the object answers by this method, of values or of whole messages."""
        return method in self._methods or self.can_raw(method)

    def has(self, method: str) -> bool:
        """Whether the object has this method for decoded values."""
        return method in self._methods

    def call(self, method: str, *values: Any, meta: dict[str, Any] | None = None) -> Any:
        """Call a method with as many of the values as it takes."""
        found = self._methods.get(method)
        if found is None:
            raise NotDefined(method)
        given = values[: found.positional]
        named = {"meta": meta or {}} if found.takes_meta else {}
        try:
            return found.function(*given, **named)
        except Exception as error:
            if not _says_missing(error):
                raise
            if method in _IDENTITIES:
                return values[0]
            if method == "send_feedback":
                return None
            raise NotDefined(method) from error

    def call_raw(self, method: str, message: Any) -> Message | None:
        """Answer a whole message with a whole message; None where the object does not do that."""
        answer = self._answer_raw(method, message, REST)
        if answer is None:
            return None
        if isinstance(answer, dict):
            return self._count_in_message(answer)
        raise _no_message(method)

    def call_bytes(
        self, method: str, given: bytes | str
    ) -> Message | bytes | bytearray | str | None:
        """Answer whatever a request holds; None where the object does not do that."""
        answer = self._answer_raw(method, given, REST)
        if isinstance(answer, dict):
            return self._count_in_message(answer)
        if answer is None or isinstance(answer, (bytes, bytearray, str)):
            return answer
        raise _no_message(method)

    def call_wire(self, method: str, wire: Any) -> Message | bytes | None:
        """Answer a protobuf message with one, written down, or with a message as JSON has it."""
        answer = self._answer_raw(method, wire, GRPC)
        if answer is None:
            return None
        if isinstance(answer, dict):
            return self._count_in_message(answer)
        if not hasattr(answer, "SerializeToString"):
            raise _no_message(method)
        self._count_in_wire(answer)
        written: bytes = answer.SerializeToString()
        return written

    def _answer_raw(self, method: str, message: Any, older: str) -> Any:
        raw = self._raw(method, older)
        if raw is None:
            return None
        try:
            answer = self.wait(raw(message))
        except Exception as error:
            if _says_missing(error):
                return None
            raise
        if answer is None:
            raise _no_message(method)
        return answer

    def can_raw(self, method: str) -> bool:
        """Whether the object answers whole messages by this method."""
        return any(self._raw(method, older) for older in (REST, GRPC))

    def takes_meta(self, method: str) -> bool:
        """Whether what this method answers may depend on the meta of the request."""
        return method in self._methods and self._methods[method].takes_meta

    def _raw(self, method: str, older: str) -> Callable[[Any], Any] | None:
        """The method for whole messages; its older name, for one protocol alone, comes first."""
        for ending in (older, "raw"):
            raw = getattr(self.target, f"{method}_{ending}", None)
            if callable(raw):
                return raw  # type: ignore[no-any-return]
        return None

    def health_status(self) -> Any:
        """What the object says of its health; the words of Seldon's wrapper when nothing."""
        if not hasattr(self.target, "health_status"):
            return "healthy"
        return self._ask("health_status", "not implemented - assuming healthy")

    def health_message(self) -> Message | None:
        """The whole message that the object answers health checks with; None where it has none."""
        answer = self._ask("health_status_raw", None)
        if answer is None or isinstance(answer, dict):
            return answer
        raise _no_message("health_status")

    def metadata(self) -> dict[str, Any]:
        """What `init_metadata` tells; empty without it."""
        return dict(self._ask("init_metadata", {}))

    def tags(self) -> dict[str, Any]:
        """Tags for the answer's meta."""
        return dict(self._ask_for("tags", dict))

    def metrics(self, given: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Metrics for the answer's meta, those that the answer itself gave last.

        Raises UnitError when one is malformed.
        """
        metrics = [*self._ask_for("metrics", list), *given]
        self._count(metrics)
        return metrics

    def _count(self, metrics: Sequence[Any]) -> None:
        for metric in metrics:
            number = isinstance(metric, dict) and isinstance(metric.get("value"), (int, float))
            if not number or "key" not in metric or metric.get("type") not in METRIC_TYPES:
                raise UnitError(
                    f"Bad metric created during request: {metric}", 500, REASON_BAD_METRIC
                )
        self.observer.add_custom(metrics)

    def _count_in_message(self, answer: Message) -> Message:
        meta = answer.get("meta")
        metrics = meta.get("metrics") if isinstance(meta, dict) else None
        if not isinstance(metrics, list) or not metrics:
            return answer
        # Of a message a counter needs no type, as it is protobuf's default.
        self._count([{"type": "COUNTER", **metric} for metric in metrics])
        if self.shows_metrics:
            return answer
        return {**answer, "meta": {k: v for k, v in answer["meta"].items() if k != "metrics"}}

    def _count_in_wire(self, answer: Any) -> None:
        meta = getattr(answer, "meta", None)
        metrics = getattr(meta, "metrics", ())
        if not metrics:
            return
        self._count(
            [
                {
                    "key": each.key,
                    "type": METRIC_TYPES[each.type],
                    "value": each.value,
                    "tags": dict(each.tags),
                }
                for each in metrics
            ]
        )
        if not self.shows_metrics:
            del metrics[:]

    def class_names(self) -> list[str] | None:
        """Names of the columns of an answer, or None. A method or a plain list."""
        names = getattr(self.target, "class_names", None)
        if callable(names):
            names = self._ask("class_names", None)
        if names is None:
            return None
        try:
            return [str(name) for name in names]
        except TypeError as error:
            raise _wrong_kind("class_names", names, list) from error

    def _ask(self, method: str, default: Any) -> Any:
        function = getattr(self.target, method, None)
        if not callable(function):
            return default
        try:
            return self.wait(function())
        except Exception as error:
            if _says_missing(error):
                return default
            raise

    def _ask_for(self, method: str, kind: type[K]) -> K:
        """What a method says; nothing of that kind where there is none, or it returns None."""
        told = self._ask(method, None)
        if told is None:
            return kind()
        if not isinstance(told, kind):
            raise _wrong_kind(method, told, kind)
        return told

    def wait(self, value: Any) -> Any:
        """What a method returned; of an async one, what it returns in the end.

        Not in the loop of such methods, which would wait for itself.
        """
        return self.awaiting.run(value) if inspect.isawaitable(value) else value


def _says_missing(error: Exception) -> bool:
    """Whether it is a base class's way to say that a method is not there.

    It is known by its name, for it is Seldon's own.
    """
    return type(error).__name__ == "SeldonNotImplementedError"


def _wrong_kind(method: str, told: Any, kind: type) -> UnitError:
    found, wanted = type(told).__name__, kind.__name__
    return UnitError(f"{method} returned a {found}, and no {wanted}", 500, REASON_INTERNAL)


def _no_message(method: str) -> UnitError:
    return UnitError(f"{method}_raw returned no message", 500, REASON_INTERNAL)
