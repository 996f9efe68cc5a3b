"""A predict function of the user's as a unit: `(model, request) -> answer`."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from seldon_deployer.errors import UsageError
from seldon_deployer.server.columns import is_frame
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.load import LoadFailed, describe
from seldon_deployer.server.model_file import find_model_file, import_library, reading
from seldon_deployer.server.named import find_function

logger = logging.getLogger(__name__)

# As joblib, cloudpickle and ZenML write them.
MODEL_FILES = ("model.joblib", "model.pickle", "model.pkl", "artifact.pkl")

_ANSWERS = "a numpy array, a list, a str, bytes or a dict"


class PredictFunction:
    """Answers by functions that are named by import strings.

    predict_function: `(model, request) -> answer`; request is what the message holds: an array of
    its rows, a str, bytes, or a dict; answer is a numpy array, a list, a frame, a str, bytes or a
    dict. pre_process: `(request) -> request`. post_process: `(answer) -> answer`. Each of
    them may be async.
    loader: `(folder, **loader_options) -> model`, for a model that joblib does not read;
    loader_options: a JSON object. Without model_uri the model is None.
    """

    def __init__(
        self,
        predict_function: str,
        model_uri: str | None = None,
        pre_process: str = "",
        post_process: str = "",
        loader: str = "",
        loader_options: str = "{}",
    ) -> None:
        self.model_uri = model_uri
        self._predict = _Named(predict_function, "model", "request")
        # Each gets what the one before gave.
        self._functions = [
            *([_Named(pre_process, "request")] if pre_process else []),
            self._predict,
            *([_Named(post_process, "answer")] if post_process else []),
        ]
        self._is_async = any(function.is_async for function in self._functions)
        self._loader = loader
        self._options = _read_options(loader_options)
        self._model: Any = None

    def load(self) -> None:
        """Read the model. Raises ArtifactError or LoadFailed when that cannot be done."""
        if self.model_uri is None:
            return
        if self._loader:
            self._model = self._load_by_loader(self.model_uri)
        else:
            self._model = load_model(self.model_uri)

    def predict(self, request: Any) -> Any:
        """Answer one request. Raises UnitError that names the function that failed."""
        if self._is_async:
            return self._predict_later(request)
        value = request
        for function in self._functions:
            value = function(*self._values(function, value))
        return _check_answer(value, self._functions[-1].path)

    async def _predict_later(self, request: Any) -> Any:
        value = request
        for function in self._functions:
            value = await function.wait(*self._values(function, value))
        return _check_answer(value, self._functions[-1].path)

    def _values(self, function: _Named, value: Any) -> tuple[Any, ...]:
        return (self._model, value) if function is self._predict else (value,)

    def _load_by_loader(self, folder: str) -> Any:
        load = find_function(self._loader, "folder", **self._options)
        if inspect.iscoroutinefunction(load):
            raise LoadFailed(f"{self._loader} is async", why="a model is loaded before all else")
        try:
            return load(folder.removeprefix("file://"), **self._options)
        except (Exception, SystemExit) as error:
            raise LoadFailed(f"{self._loader} failed to load", why=describe(error)) from error


class _Named:
    """A function and the path by which it is named in errors."""

    def __init__(self, path: str, *takes: str) -> None:
        self.path = path
        self._function: Callable[..., Any] = find_function(path, *takes)
        self.is_async = inspect.iscoroutinefunction(self._function)

    def __call__(self, *values: Any) -> Any:
        """Call it. Raises UnitError that names it, unless it chose the answer's status itself."""
        with self._named_in_errors():
            return self._function(*values)

    async def wait(self, *values: Any) -> Any:
        """Call it, and wait where it is async."""
        with self._named_in_errors():
            value = self._function(*values)
            return await value if self.is_async else value

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as error:
            chosen = (getattr(error, "status_code", None), getattr(error, "reason", None))
            if isinstance(chosen[0], int) and isinstance(chosen[1], str):
                raise
            logger.exception("%s failed", self.path)
            raise UnitError(
                f"{self.path} failed: {describe(error)}", 500, REASON_INTERNAL
            ) from error


def load_model(model_uri: str) -> Any:
    """Read the model that joblib or a pickle holds under a folder, or the one file itself.

    Raises ArtifactError when it is not there or cannot be read.
    """
    path = find_model_file(
        model_uri, MODEL_FILES, hint="name a function that loads it: loader=package.module.load"
    )
    joblib = import_library("joblib", package="joblib", needed_by="PredictFunction")
    with reading(path, hint="save it with the versions that are installed here"):
        return joblib.load(path)


def _check_answer(answer: Any, path: str) -> Any:
    if isinstance(answer, tuple):
        return list(answer)
    is_array = type(answer).__module__ == "numpy" and getattr(answer, "ndim", 0) > 0
    if is_array or isinstance(answer, (list, str, bytes, dict)) or is_frame(answer):
        return answer
    raise UnitError(
        f"{path} returned a {type(answer).__name__}: an answer is {_ANSWERS}", 500, REASON_INTERNAL
    )


def _read_options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError as error:
        raise UsageError("loader_options are no JSON", why=str(error)) from error
    if not isinstance(options, dict):
        raise UsageError("loader_options are no JSON object")
    return options
