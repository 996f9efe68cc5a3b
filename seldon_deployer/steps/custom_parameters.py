"""`CustomDeployParameters`: the code that serves a model, checked where a pipeline is composed."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from seldon_deployer.errors import ConfigError, SeldonDeployerError
from seldon_deployer.server.component import METHODS
from seldon_deployer.server.load import BATCH, find_object
from seldon_deployer.server.named import check_function
from seldon_deployer.workload.constructor import TellingModel

# What each function is given, by position.
_TAKES = {
    "predict_function": ("model", "request"),
    "pre_process": ("request",),
    "post_process": ("answer",),
    "loader": ("folder",),
}


def _import_path(given: Any) -> Any:
    """A function or class as the string by which another process imports it."""
    if isinstance(given, str) or not callable(given):
        return given
    from zenml.utils import source_utils

    if "<locals>" in given.__qualname__ or "<lambda>" in given.__qualname__:
        raise ConfigError(
            f"{given.__qualname__} cannot serve",
            why="another process imports it by its name, and inside a function it has none",
            hint="define it at the top of a module",
        )
    return source_utils.resolve(given).import_path


ImportPath = Annotated[str, BeforeValidator(_import_path)]


class CustomDeployParameters(BaseModel, metaclass=TellingModel):
    """The user's code that serves a model: a predict function, or a class.

    Import strings, `package.module.name`, or the objects themselves. What is named is imported and
    its signature checked at once. Raises ConfigError.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    predict_function: ImportPath | None = Field(
        default=None, description="(model, request) -> array, list, str, bytes or dict"
    )
    python_class: ImportPath | None = Field(
        default=None, description="A class with predict(X, names, meta=None), and load()"
    )
    pre_process: ImportPath | None = Field(default=None, description="(request) -> request")
    post_process: ImportPath | None = Field(default=None, description="(answer) -> answer")
    loader: ImportPath | None = Field(
        default=None, description="(folder) -> model; else as training stored it"
    )
    code_path: str | None = Field(
        default=None, description="Folder with the code; ZenML's source root if left out."
    )
    requirements: tuple[str, ...] = Field(
        default=(), description="Packages for the image of a cluster, as pip takes them."
    )

    @field_validator("code_path", mode="before")
    @classmethod
    def _code_path_is_a_folder(cls, value: Any) -> Any:
        if value is None:
            return None
        folder = Path(value).expanduser().absolute()
        if not folder.is_dir():
            raise ConfigError(f"there is no folder {folder}", hint="check code_path")
        return str(folder)

    @model_validator(mode="after")
    def _can_serve(self) -> Self:
        if (self.predict_function is None) == (self.python_class is None):
            raise ConfigError(
                "one thing serves a model",
                why="predict_function and python_class are both given"
                if self.python_class
                else "neither predict_function nor python_class is given",
                hint='CustomDeployParameters(predict_function="package.module.function")',
            )
        if self.python_class is None:
            self._check_functions()
            return self
        for name in _TAKES:
            if getattr(self, name) is not None:
                raise ConfigError(
                    f"{name} is of a predict_function, and there is a python_class",
                    hint="let the class do it",
                )
        self._check_class(self.python_class)
        return self

    @property
    def folder(self) -> Path:
        """The folder that holds the code."""
        if self.code_path is not None:
            return Path(self.code_path)
        from zenml.utils import source_utils

        return Path(source_utils.get_source_root())

    def unit_parameters(self) -> dict[str, str]:
        """The functions as parameters of the unit that wraps them; empty for a class."""
        given = {name: getattr(self, name) for name in _TAKES}
        return {name: path for name, path in given.items() if path is not None}

    def check_parameters(self, parameters: Mapping[str, Any] | None) -> None:
        """Raise ConfigError where the code does not take these parameters of a deployment."""
        named = parameters or {}
        if self.python_class is not None:
            self._check("parameters", self.python_class, partial(_check_constructor, named=named))
        elif named:
            raise ConfigError(
                "parameters are of a class's constructor, and a predict_function serves",
                hint="use a python_class, or read settings from env",
            )

    def _check_functions(self) -> None:
        for name, path in self.unit_parameters().items():
            takes = _TAKES[name]
            self._check(name, path, partial(check_function, path=path, takes=takes))

    def _check_class(self, path: str) -> None:
        def check(found: object) -> None:
            names = [*METHODS, *(f"{method}_raw" for method in METHODS)]
            is_class = isinstance(found, type)
            if not (is_class and any(callable(getattr(found, name, None)) for name in names)):
                raise ConfigError(
                    f"{path} is no class that serves",
                    why="it has no method predict" if is_class else "it is no class",
                    hint="add predict(self, X, names, meta=None)",
                )

        self._check("python_class", path, check)

    def _check(self, name: str, path: str, check: Callable[[object], None]) -> None:
        try:
            with _importing_from(self.folder):
                check(_find(path))
        except SeldonDeployerError as error:
            raise ConfigError(
                f"{name}: {error.what}", why=error.why, hint=error.hint
            ) from error.__cause__


def _check_constructor(found: Any, *, named: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(found)
    except ValueError:
        # Written in C, without a signature to read: making one tells.
        return
    # As the server does: the model's place is given to who takes it, batches are its own affair.
    taken = signature.parameters
    given = {"model_uri": ""} if "model_uri" in taken else {}
    given |= {name: value for name, value in named.items() if name in taken or name not in BATCH}
    try:
        # Those that it lacks may come with the run.
        signature.bind_partial(**given)
    except TypeError as error:
        raise ConfigError(
            f"{found.__qualname__} does not take these",
            why=f"{error} (given: {', '.join(named) or 'none'})",
            hint="give it exactly the parameters of its __init__",
        ) from None


def _find(path: str) -> object:
    """The named object; of the script that runs as it is, for importing would run it again."""
    module, _, name = path.rpartition(".")
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    spec = getattr(main, "__spec__", None)
    known = spec.name if spec else Path(file).stem if file else None
    if main is not None and module == known and module not in sys.modules and hasattr(main, name):
        return getattr(main, name)
    return find_object(path)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    path = str(folder)
    sys.path.insert(0, path)
    try:
        yield
    finally:
        # The import may have changed the path itself.
        if path in sys.path:
            sys.path.remove(path)
