"""Folders of code that share a pod of the embedded runtime, and with it one path of Python's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seldon_deployer.config import DeploymentConfig, predictor_configs
from seldon_deployer.errors import ConfigError
from seldon_deployer.graph import Unit, components
from seldon_deployer.image.code import find_code, named_code


def check_shared_code(config: DeploymentConfig) -> None:
    """Raise ConfigError where a unit would import another's code in place of its own.

    The folders stand on the path one after the other, so a module that two of them have comes from
    the first, unless both say the same.
    """
    for _, alone in predictor_configs(config):
        if alone.graph is None:
            continue
        for component in components(alone.graph):
            _check_pod([unit for unit in component.units if unit.code_path is not None])


def _check_pod(units: list[Unit]) -> None:
    for index, unit in enumerate(units):
        for other in units[:index]:
            for module in _taken(unit, other):
                raise ConfigError(
                    f"{unit.name} would run with the module {module} of {other.name}",
                    why=f"both run in one pod, and {unit.code_path} and {other.code_path} "
                    "each have one",
                    hint="give one of them own_pod=True, or its module another name",
                )


def _taken(unit: Unit, other: Unit) -> Iterator[str]:
    """The top-level modules that a unit needs of its folder and that another's has otherwise."""
    if unit.code_path is None or other.code_path is None or unit.code_path == other.code_path:
        return
    names = named_code(unit.python_class, unit.parameters)
    for file in find_code(unit.code_path, names):
        module = file.parts[0].removesuffix(".py")
        is_there = any((other.code_path / name).exists() for name in (module, f"{module}.py"))
        if is_there and not _is_same(unit.code_path / file, other.code_path / file):
            yield module


def _is_same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
