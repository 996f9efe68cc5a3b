"""From MODULE.Class to a loaded object; or the reason why not, before anything listens."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.server.batching import DELAY, SIZE
from seldon_deployer.server.component import METHODS, Component

logger = logging.getLogger(__name__)

_EXAMPLES = {
    "predict": "predict(self, X, names, meta=None)",
    "transform_input": "transform_input(self, X, names, meta=None)",
    "transform_output": "transform_output(self, X, names, meta=None)",
    "route": "route(self, X, names)",
    "aggregate": "aggregate(self, Xs, names_list)",
}

# What Seldon's wrapper does in processes of its own.
_NOT_CALLED = {"custom_service": "run it as a container beside the unit"}
BATCH = (SIZE, DELAY)


class LoadFailed(SeldonDeployerError):
    """The class cannot be found, made or loaded."""


def load_component(
    class_path: str,
    parameters: dict[str, Any],
    *,
    model_uri: str | None = None,
    methods: Sequence[str] = METHODS,
) -> Component:
    """Import MODULE.Class, make it with the parameters, and load it.

    A bare name stands for a module and a class of that name. A class that takes `model_uri` gets
    the unit's where its parameters have none. methods: it has to have one of these. Raises
    LoadFailed, with the cause chained when the user's own code failed.
    Source: Seldon Core v1.17.1, Python wrapper.
    """
    found = _find_class(class_path)
    if model_uri is not None and "model_uri" in _parameter_names(found):
        parameters = {"model_uri": model_uri, **parameters}
    # Batches are the server's affair, where the class does not ask for these itself.
    taken = _parameter_names(found)
    own = {name: given for name, given in parameters.items() if name in taken or name not in BATCH}
    component = Component(_make(found, class_path, own))
    if not any(component.can(method) for method in methods):
        wanted = " or ".join(methods)
        raise LoadFailed(
            f"{class_path} cannot be served",
            why=f"it has no method {wanted}",
            hint=f"add {_EXAMPLES[methods[0]]}, or tell what the unit is by SERVICE_TYPE",
        )
    for name, instead in _NOT_CALLED.items():
        if hasattr(component.target, name):
            logger.warning("%s of %s is not called here: %s", name, class_path, instead)
    load = getattr(component.target, "load", None)
    if callable(load):
        try:
            component.wait(load())
        except SeldonDeployerError:
            raise
        except (Exception, SystemExit) as error:
            raise LoadFailed(f"{class_path} failed to load", why=describe(error)) from error
    return component


def find_object(path: str) -> Any:
    """Import the module of `package.module.name` and take the name from it.

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
                why=f"searched in {', '.join(_own_folders())} and the installed packages",
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


def _own_folders() -> list[str]:
    """The folders that come before Python's own on its path."""
    before = sys.path[: next((i for i, path in enumerate(sys.path) if path.endswith(".zip")), 3)]
    return list(dict.fromkeys(path for path in before if path))


def describe(error: BaseException) -> str:
    """What an exception is and says, on one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _find_class(class_path: str) -> type:
    # A bare name is a module, and a class of that name in it.
    path = class_path if "." in class_path else f"{class_path}.{class_path}"
    found = find_object(path)
    if not isinstance(found, type):
        raise LoadFailed(
            f"{path} is no class",
            why=f"it is a {type(found).__name__}",
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
        raise LoadFailed(f"{class_path} cannot be made", why=describe(error)) from error


def _parameter_names(found: type) -> set[str]:
    try:
        return set(inspect.signature(found).parameters)
    except ValueError:
        return set()
