"""Opening what training saved: the file, the library that reads it, the reasons why it cannot.

Every reason is told before the unit listens, as its last line on stderr.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from seldon_deployer.artifacts.content import HEAD_BYTES, look_inside
from seldon_deployer.artifacts.folders import read_head
from seldon_deployer.artifacts.frameworks import title
from seldon_deployer.artifacts.names import UNREAD, Candidate, find_files, find_tree
from seldon_deployer.artifacts.whole import check_whole
from seldon_deployer.errors import ArtifactError, SeldonDeployerError
from seldon_deployer.server.load import LoadFailed
from seldon_deployer.server.reason import explain_unreadable

_SHOWN = 10
_OF_SCRIPT = re.compile(r"Can't get attribute '([\w.]+)' on <module '[\w.]*__(?:mp_)?main__'")
_MISSING = (
    "install the package that it was trained with; where the module is your own, give its folder "
    "as code_path"
)
_OWN_CODE = "put that into a module of its own, train again, and give its folder as code_path"
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
    for name in names:
        if (place / name).is_dir():
            raise ArtifactError(
                f"no model in {place}",
                why=f"{name} is a folder, and a file is wanted",
                hint=f"give the folder that holds the file {name} itself; {hint}",
            )
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
def reading(path: Path, *, holds: str = "", hint: str) -> Iterator[None]:
    """Turn whatever a library says of a file that it cannot read into an ArtifactError.

    holds: the framework or the format that is expected, as `artifacts` calls it; "" for any. The
    file's structure is checked before the library gets it: some end the process over a cut file.
    """
    found = _look_into(path)
    is_expected = found is not None and holds in (found.framework, found.format)
    try:
        check_whole(path, found.format if found is not None and is_expected else "")
    except ArtifactError as error:
        raise _cannot_read(path, error.why, error.hint) from error
    try:
        yield
    except SeldonDeployerError:
        raise
    except ModuleNotFoundError as error:
        why = f"it needs the module {error.name}, which is not installed"
        raise _cannot_read(path, why, _MISSING) from error
    except Exception as error:
        if found is not None and found.framework is not None and holds and not is_expected:
            why = f"it holds a model of {title(found.framework)}"
            hint = "set implementation to a server of that framework, or leave it out"
            raise _cannot_read(path, why, hint) from error
        # Of a pickle: its classes and functions are kept as names alone.
        if own := _OF_SCRIPT.search(str(error)):
            why = f"it needs {own[1]} of the script that trained it"
            raise _cannot_read(path, why, _OWN_CODE) from error
        raise _cannot_read(path, explain_unreadable(error), hint) from error


def _look_into(path: Path) -> Candidate | None:
    """What a file is, by its name and its first bytes."""
    named = find_tree([path.name]) or next(find_files([path.name], is_readable=True), None)
    if named is None or named.format == "pickle":
        # The name of a pickle is any library's: what it is the bytes tell.
        named = Candidate(None, UNREAD, path.name)
    with suppress(ArtifactError):
        return look_inside(named, read_head(path, HEAD_BYTES))
    return None


def _cannot_read(path: Path, why: str, hint: str) -> ArtifactError:
    return ArtifactError(f"cannot read the model {path.name}", why=why, hint=hint)


def library_errors() -> list[type[Exception]]:
    """Errors by which libraries refuse data, of those that loading a model brought along.

    All others that serve here raise ValueError or TypeError.
    """
    found = {sys.modules[name]: kind for name, kind in _ERRORS.items() if name in sys.modules}
    return [getattr(module, kind) for module, kind in found.items()]
