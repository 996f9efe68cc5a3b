"""The user's class as the server sees it: made, loaded, and called the way it can be called."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.payload import Tensor
from seldon_deployer.server.inference import Inference

REASON_BAD_DATA = "MICROSERVICE_BAD_DATA"
REASON_BAD_METRIC = "MICROSERVICE_BAD_METRIC"
REASON_INTERNAL = "MICROSERVICE_INTERNAL_ERROR"

_METRIC_TYPES = {"COUNTER", "GAUGE", "TIMER"}


class UnitError(Exception):
    """An answer that is an error: its HTTP status, and the reason in its body."""

    def __init__(self, message: str, status_code: int = 400, reason: str = REASON_BAD_DATA) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.reason = reason


class LoadFailed(SeldonDeployerError):
    """The class cannot be found, made or loaded."""


class Component:
    """A loaded object and what it can do. Signatures are read once, here.

    A method is never tried twice: a TypeError inside the user's own code is an error, no reason to
    call it again with fewer arguments.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self._predict = getattr(target, "predict", None)
        self._predict_raw = getattr(target, "predict_raw", None)
        if not (callable(self._predict) or callable(self._predict_raw)):
            raise LoadFailed(
                f"{type(target).__name__} cannot be served",
                why="it has no method predict",
                hint="add predict(self, X, names, meta=None)",
            )
        self._arguments = _accepted(self._predict) if callable(self._predict) else (0, False)
        # Of our own loaders: a V2 request as a whole, with its named tensors.
        self.infer_tensors: Callable[[Inference], list[Tensor]] | None = getattr(
            target, "infer_tensors", None
        )

    @property
    def takes_messages(self) -> bool:
        """Whether it answers whole messages itself, by `predict_raw`."""
        return callable(self._predict_raw)

    def predict_raw(self, message: dict[str, Any]) -> Any:
        """Answer a whole message with a whole message."""
        assert self._predict_raw is not None  # noqa: S101 - takes_messages was asked
        return self._predict_raw(message)

    def predict(self, value: Any, names: Sequence[str], meta: dict[str, Any]) -> Any:
        """Call the user's predict with as many of its arguments as it takes."""
        if not callable(self._predict):
            raise UnitError("this model answers Seldon messages only", 400)
        positional, takes_meta = self._arguments
        given = (value, list(names))[:positional]
        return self._predict(*given, meta=meta) if takes_meta else self._predict(*given)

    def health_status(self) -> Any:
        """What the object says of its health; "healthy" when it has nothing to say."""
        return self._ask("health_status", "healthy")

    def metadata(self) -> dict[str, Any]:
        """What `init_metadata` tells; empty without it."""
        return dict(self._ask("init_metadata", {}))

    def tags(self) -> dict[str, Any]:
        """Tags for the answer's meta."""
        return dict(self._ask("tags", {}))

    def metrics(self) -> list[dict[str, Any]]:
        """Metrics for the answer's meta. Raises UnitError when one is malformed."""
        metrics = self._ask("metrics", [])
        for metric in metrics:
            number = isinstance(metric, dict) and isinstance(metric.get("value"), (int, float))
            if not number or "key" not in metric or metric.get("type") not in _METRIC_TYPES:
                raise UnitError(
                    f"Bad metric created during request: {metric}", 500, REASON_BAD_METRIC
                )
        return list(metrics)

    def class_names(self) -> list[str] | None:
        """Names of the columns of an answer, or None. A method or a plain list."""
        names = getattr(self.target, "class_names", None)
        if callable(names):
            names = names()
        return None if names is None else [str(name) for name in names]

    def _ask(self, method: str, default: Any) -> Any:
        function = getattr(self.target, method, None)
        return function() if callable(function) else default


def load_component(
    class_path: str, parameters: dict[str, Any], *, model_uri: str | None = None
) -> Component:
    """Import MODULE.Class, make it with the parameters, and load it.

    A bare name stands for a module and a class of that name. A class that takes `model_uri` gets
    the unit's where its parameters have none. Raises LoadFailed, with the cause chained when the
    user's own code failed.
    Source: Seldon Core v1.17.1, Python wrapper.
    """
    found = _find_class(class_path)
    if model_uri is not None and "model_uri" in _parameter_names(found):
        parameters = {"model_uri": model_uri, **parameters}
    component = Component(_make(found, class_path, parameters))
    load = getattr(component.target, "load", None)
    if callable(load):
        try:
            load()
        except SeldonDeployerError:
            raise
        except (Exception, SystemExit) as error:
            raise LoadFailed(f"{class_path} failed to load", why=_describe(error)) from error
    return component


def _find_class(class_path: str) -> type:
    module_name, _, class_name = class_path.rpartition(".")
    module_name = module_name or class_name
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise LoadFailed(
                f"the module {module_name} is not there",
                why=f"searched in {', '.join(path for path in sys.path[:3] if path)} and the "
                "installed packages",
                hint="give the folder that holds it (code_path, or PYTHONPATH)",
            ) from None
        raise LoadFailed(f"{module_name} cannot be imported", why=_describe(error)) from error
    except (Exception, SystemExit) as error:
        raise LoadFailed(f"{module_name} cannot be imported", why=_describe(error)) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise LoadFailed(
            f"the module {module_name} has no class {class_name}",
            hint="name it MODULE.Class, with its own spelling",
        )
    return found


def _make(found: type, class_path: str, parameters: dict[str, Any]) -> Any:
    try:
        inspect.signature(found).bind(**parameters)
    except TypeError as error:
        names = ", ".join(parameters) or "none"
        raise LoadFailed(
            f"{class_path} does not take these parameters",
            why=f"{error} (given: {names})",
            hint="give it exactly the parameters of its __init__",
        ) from None
    except ValueError:
        # Classes written in C may have no signature to read; making one tells.
        pass
    try:
        return found(**parameters)
    except SeldonDeployerError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadFailed(f"{class_path} cannot be made", why=_describe(error)) from error


def _parameter_names(found: type) -> set[str]:
    try:
        return set(inspect.signature(found).parameters)
    except ValueError:
        return set()


def _accepted(method: Callable[..., Any]) -> tuple[int, bool]:
    """How many of (X, names) go in by position, and whether `meta` goes in by name."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError:
        return 2, False
    positional = 0
    takes_meta = False
    for parameter in parameters:
        match parameter.kind:
            case parameter.VAR_POSITIONAL:
                positional = 2
            case parameter.VAR_KEYWORD:
                takes_meta = True
            case parameter.KEYWORD_ONLY:
                takes_meta = takes_meta or parameter.name == "meta"
            case _ if parameter.name == "meta":
                takes_meta = True
            case _:
                positional = min(2, positional + 1)
    return positional, takes_meta


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
