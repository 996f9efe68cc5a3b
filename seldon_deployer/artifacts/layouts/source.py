"""What a converter works on, and its two doors: to a framework, and to a pickle's content."""

from __future__ import annotations

import importlib
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from seldon_deployer.errors import ArtifactError

T = TypeVar("T")

# What to write, by hand, instead of a pickle of each format.
_SAVE_AS: Mapping[str, str] = {
    "booster": "save it with its own booster.save_model('model.ubj')",
    "module": "save it as TorchScript: torch.jit.script(model).save('model.pt')",
}
_SAVE_ITSELF = "save it in its library's own format, with its save_model"


@dataclass(frozen=True, slots=True)
class Source:
    """A model to convert.

    file: its path below `folder`. is_own: whether it comes from the user's own store, so that what
    is pickled in it may run. model_name: what a server that serves by name will be asked for.
    """

    folder: Path
    file: str
    format: str
    is_own: bool = False
    model_name: str = "model"

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.folder / self.file


def load_pickle(source: Source, *, save_as: str = "") -> Any:
    """Load a pickled model: the one place where code in an artifact can run.

    save_as: see `load_own`.
    Raises ArtifactError for an artifact that is not the user's own, and where loading fails.
    """

    def load() -> Any:
        try:
            from joblib import load as load_file
        except ImportError:
            with source.path.open("rb") as file:
                return pickle.load(file)  # noqa: S301 - guarded by load_own
        return load_file(source.path)

    return load_own(source, load, save_as=save_as)


def load_own(source: Source, load: Callable[[], T], *, save_as: str = "") -> T:
    """Call what loads pickled content of an artifact, if that artifact is the user's own.

    save_as: what to write instead of the pickle, where its format alone does not tell.
    """
    if not source.is_own:
        raise ArtifactError(
            f"{source.file} is not converted",
            why="that means to load a pickle, which can run anything, and the artifact is not "
            "known to be your own",
            hint=f"{save_as or _SAVE_AS.get(source.format, _SAVE_ITSELF)}, and deploy that; or "
            "deploy it from the ZenML pipeline that wrote it",
        )
    try:
        with quiet():
            return load()
    except Exception as error:
        raise ArtifactError(
            f"{source.file} cannot be loaded to convert it",
            why=f"{type(error).__name__}: {error}",
            hint="install what it was trained with, and make its classes importable here",
        ) from error


def import_framework(name: str, *, file: str) -> Any:
    """Import the framework that a conversion needs; raises ArtifactError with what to install."""
    try:
        with quiet():
            return importlib.import_module(name)
    except ImportError as error:
        raise ArtifactError(
            f"{file} cannot be converted here",
            why=f"that needs {name}, which is not installed",
            hint=f"pip install {name}, in the version that trained it",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Let frameworks warn of their own calls to each other without troubling the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
