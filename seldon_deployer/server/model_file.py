"""Opening what training saved: the file, the library that reads it, the reasons why it cannot.

Every reason is told before the unit listens, as its last line on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ArtifactError, SeldonDeployerError
from seldon_deployer.server.load import LoadFailed

_SHOWN = 10
_ERRORS = {"catboost": "CatBoostError", "lightgbm.basic": "LightGBMError"}


def find_model_file(model_uri: str, names: Sequence[str], *, hint: str) -> Path:
    """The model under a folder: the first of `names` that is there; or the one file itself.

    Raises ArtifactError that lists what is there instead.
    """
    place = Path(model_uri.removeprefix("file://"))
    if place.is_file():
        return place
    for name in names:
        if (place / name).is_file():
            return place / name
    seen = sorted(entry.name for entry in place.iterdir())[:_SHOWN] if place.is_dir() else []
    raise ArtifactError(
        f"no model in {place}",
        why=f"there is {', '.join(seen) or 'nothing'}, but none of {', '.join(names)}",
        hint=hint,
    )


def import_library(module: str, *, package: str, needed_by: str) -> Any:
    """Import a framework when a unit needs it. Raises LoadFailed that names what to install."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        # The framework itself, or something that it needs in turn.
        wanted = package if missing == module.partition(".")[0] else missing
        raise LoadFailed(
            f"the package {wanted} is not installed",
            why=f"{needed_by} reads models with it",
            hint=f"pip install {wanted}, in the version that the model was trained with",
        ) from None
    except (ImportError, OSError, RuntimeError) as error:
        # A library of the system that is missing, or two packages that do not go together.
        raise LoadFailed(
            f"the package {package} cannot be imported", why=f"{type(error).__name__}: {error}"
        ) from error


@contextmanager
def reading(path: Path, *, hint: str) -> Iterator[None]:
    """Turn whatever a library says of a file that it cannot read into an ArtifactError."""
    try:
        yield
    except SeldonDeployerError:
        raise
    except ModuleNotFoundError as error:
        raise ArtifactError(
            f"cannot read the model {path.name}",
            why=f"it needs the module {error.name}, which is not installed",
            hint="install the package that the model was trained with",
        ) from error
    except Exception as error:
        raise ArtifactError(
            f"cannot read the model {path.name}",
            why=f"{type(error).__name__}: {shorten(str(error))}",
            hint=hint,
        ) from error


def library_errors() -> list[type[Exception]]:
    """Errors by which libraries refuse data, of those that loading a model brought along.

    All others that serve here raise ValueError or TypeError.
    """
    found = {sys.modules[name]: kind for name, kind in _ERRORS.items() if name in sys.modules}
    return [getattr(module, kind) for module, kind in found.items()]


def shorten(text: str, limit: int = 500) -> str:
    """A library's message on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."
