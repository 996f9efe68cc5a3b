"""The user's own code: which files a class or a function needs, out of a folder of many.

What it imports from that folder is found by reading, never by running: the top-level modules and
packages that the code names, and those that these name in turn.
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
_CACHES = frozenset({"__pycache__", "node_modules"})


def named_code(python_class: str | None, parameters: Mapping[str, Any]) -> list[str]:
    """The import strings by which a unit names code: its class, or the functions it wraps."""
    if python_class != FUNCTION_UNIT:
        return [python_class] if python_class else []
    return [str(parameters[name]) for name in _FUNCTIONS if parameters.get(name)]


def find_code(folder: Path, names: Iterable[str]) -> list[Path]:
    """Files below `folder` that the named code needs, relative to it, sorted.

    A package comes whole, with the data in it; of a folder without `__init__.py` only modules
    come, as any folder looks like such a package. Hidden files and caches never do. What is not
    in the folder is installed, and none of the user's.
    """
    found: set[Path] = set()
    waiting, seen = [_top(name) for name in names], set()
    while waiting:
        top = waiting.pop()
        if top in seen or top == _OWN_PACKAGE:
            continue
        seen.add(top)
        for file in _files_of(folder, top):
            found.add(file.relative_to(folder))
            if file.suffix == ".py":
                waiting += _imports(file)
    return sorted(found)


def imported_packages(folder: Path, files: Iterable[Path]) -> set[str]:
    """Top-level names that the code imports from outside of its folder and of Python itself."""
    tops = {top for file in files if file.suffix == ".py" for top in _imports(folder / file)}
    own = {top for top in tops if any(_files_of(folder, top))}
    return tops - own - sys.stdlib_module_names - {_OWN_PACKAGE}


def _top(name: str) -> str:
    return name.partition(".")[0]


def _files_of(folder: Path, top: str) -> Iterator[Path]:
    """The files of a module or package. A folder without `__init__.py` yields to Python's own
    modules, as on the path: one called `secrets` is none of the code's.
    """
    package = folder / top
    if (folder / f"{top}.py").is_file() and not (package / "__init__.py").is_file():
        yield folder / f"{top}.py"
    elif (package / "__init__.py").is_file():
        yield from _walk(package, "*")
    elif package.is_dir() and top not in sys.stdlib_module_names:
        yield from _walk(package, "*.py")


def _walk(package: Path, pattern: str) -> Iterator[Path]:
    for file in package.rglob(pattern):
        parts = file.relative_to(package).parts
        is_hidden = any(part.startswith(".") or part in _CACHES for part in parts)
        if file.is_file() and not is_hidden:
            yield file


def _imports(file: Path) -> set[str]:
    """Top-level names of a module's absolute imports. Empty where it is not Python: running it
    tells more of that than we could.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {_top(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(_top(node.module))
    return names
