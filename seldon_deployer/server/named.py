"""From an import string, `package.module.name`, to what it names; or the reason why not."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.server.load import LoadFailed


def find_object(path: str) -> Any:
    """Import the module and take the name from it.

    Raises LoadFailed, with the cause chained when the module's own code failed.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name or not name:
        raise LoadFailed(f"{path!r} names nothing", hint="write it as package.module.name")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise LoadFailed(
                f"the module {module_name} is not there",
                why=f"searched in {', '.join(each for each in sys.path[:3] if each)} and the "
                "installed packages",
                hint="give the folder that holds it (code_path, or PYTHONPATH)",
            ) from None
        raise LoadFailed(f"{module_name} cannot be imported", why=describe(error)) from error
    except SeldonDeployerError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadFailed(f"{module_name} cannot be imported", why=describe(error)) from error
    if not hasattr(module, name):
        raise LoadFailed(f"the module {module_name} has no {name}", hint="check its spelling")
    return getattr(module, name)


def find_function(path: str, *takes: str, **named: Any) -> Callable[..., Any]:
    """Find a function that can be called with these values by position, and these by name.

    Raises LoadFailed as `check_function` does.
    """
    found = find_object(path)
    check_function(found, path=path, takes=takes, named=named)
    return found  # type: ignore[no-any-return]


def check_function(
    found: object, *, path: str, takes: Sequence[str], named: Iterable[str] = ()
) -> None:
    """Raise LoadFailed for what is no function, takes others, or answers later: a coroutine or a
    generator is no answer.
    """
    example = f"def {path.rpartition('.')[2]}({', '.join((*takes, *named))}): ..."
    if not callable(found) or isinstance(found, type):
        raise LoadFailed(
            f"{path} is no function", why=f"it is a {type(found).__name__}", hint=example
        )
    if inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found):
        raise LoadFailed(
            f"{path} cannot be called for an answer",
            why="it is async, or yields",
            hint=f"return the answer: {example}",
        )
    try:
        inspect.signature(found).bind(*takes, **dict.fromkeys(named))
    except TypeError as error:
        raise LoadFailed(f"{path} has the wrong parameters", why=str(error), hint=example) from None
    except ValueError:
        # Written in C, without a signature to read: calling it tells.
        pass


def describe(error: BaseException) -> str:
    """What an exception is and says, on one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
