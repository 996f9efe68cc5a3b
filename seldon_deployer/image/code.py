"""The user's own code: which files a class or a function needs, out of a folder of many.

What it imports from that folder is found by reading, never by running.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# The unit that wraps a function; its parameters name the user's code.
FUNCTION_UNIT = "seldon_deployer.server.function.PredictFunction"
_FUNCTIONS = ("predict_function", "pre_process", "post_process", "loader")

_OWN_PACKAGE = "seldon_deployer"
_INIT = "__init__.py"
_CACHES = frozenset({"__pycache__", "node_modules"})


def named_code(python_class: str | None, parameters: Mapping[str, Any]) -> list[str]:
    """The import strings by which a unit names code: its class, or the functions it wraps."""
    if python_class != FUNCTION_UNIT:
        return [python_class] if python_class else []
    return [str(parameters[name]) for name in _FUNCTIONS if parameters.get(name)]


def find_code(folder: Path, names: Iterable[str]) -> list[Path]:
    """Files below `folder` that the named code needs, relative to it, sorted.

    Modules that it imports, and theirs. A package of one of them comes whole, with the data in it;
    of a folder without `__init__.py` only those modules come, as any folder looks like such a
    package. Hidden files and caches never do. What is not in the folder is installed, and none of
    the user's.
    """
    found = set()
    for module in _reached(folder, names):
        found.add(module)
        if (package := _package_of(module, folder)) is not None:
            found |= set(_walk(package))
    return sorted(file.relative_to(folder) for file in found)


def imported_packages(folder: Path, names: Iterable[str]) -> set[str]:
    """Top-level names that the named code imports from outside of the folder and of Python."""
    modules = _reached(folder, names)
    tops = {_top(name) for module in modules for name in _imports(module, folder)}
    own = {top for top in tops if _is_own(folder, top)}
    return tops - own - sys.stdlib_module_names - {_OWN_PACKAGE}


def _reached(folder: Path, names: Iterable[str]) -> set[Path]:
    """The modules that run when the named code is imported, by what they say."""
    found: set[Path] = set()
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen or not _is_own(folder, _top(name)):
            continue
        seen.add(name)
        for module in _modules_of(folder, name):
            if module not in found:
                found.add(module)
                waiting += _imports(module, folder)
    return found


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_own(folder: Path, top: str) -> bool:
    """Whether a top-level name is the user's. A folder without `__init__.py` yields to Python's
    own modules, as on the path: one called `secrets` is none of the code's.
    """
    if top == _OWN_PACKAGE:
        return False
    package = folder / top
    is_module = (folder / f"{top}.py").is_file() or (package / _INIT).is_file()
    return is_module or (package.is_dir() and top not in sys.stdlib_module_names)


def _modules_of(folder: Path, name: str) -> Iterator[Path]:
    """The files that importing a dotted name runs; its last part may be within a module."""
    place = folder
    for part in name.split("."):
        package, module = place / part, place / f"{part}.py"
        if (package / _INIT).is_file():
            yield package / _INIT
        elif module.is_file():
            yield module
            return
        elif not package.is_dir():
            return
        place = package


def _package_of(module: Path, folder: Path) -> Path | None:
    """The outermost package around a module; None where none is."""
    found, place = None, module.parent
    while place != folder and (place / _INIT).is_file():
        found, place = place, place.parent
    return found


def _walk(package: Path) -> Iterator[Path]:
    for file in package.rglob("*"):
        parts = file.relative_to(package).parts
        is_hidden = any(part.startswith(".") or part in _CACHES for part in parts)
        if file.is_file() and not is_hidden:
            yield file


def _imports(module: Path, folder: Path) -> set[str]:
    """Dotted names of a module's imports. Empty where it is not Python: running it tells more of
    that than we could.
    """
    try:
        tree = ast.parse(module.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    package = module.relative_to(folder).parent.parts
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # One dot is the module's own package, each more is one further out.
            near = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*near, *filter(None, [node.module])])
            # Each may be a module of its own.
            names |= {f"{base}.{alias.name}" if base else alias.name for alias in node.names}
    return names
