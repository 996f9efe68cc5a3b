"""Functions of the user's that are named by import strings, `package.module.name`, and checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from seldon_deployer.server.load import LoadFailed, find_object


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
    """Raise LoadFailed for what is no function, takes others, or yields: that is no answer."""
    example = f"def {path.rpartition('.')[2]}({', '.join((*takes, *named))}): ..."
    if not callable(found) or isinstance(found, type):
        raise LoadFailed(
            f"{path} is no function", why=f"it is a {type(found).__name__}", hint=example
        )
    if inspect.isgeneratorfunction(found) or inspect.isasyncgenfunction(found):
        raise LoadFailed(
            f"{path} cannot be called for an answer",
            why="it yields",
            hint=f"return the answer: {example}",
        )
    try:
        inspect.signature(found).bind(*takes, **dict.fromkeys(named))
    except TypeError as error:
        raise LoadFailed(f"{path} has the wrong parameters", why=str(error), hint=example) from None
    except ValueError:
        # Written in C, without a signature to read: calling it tells.
        pass
