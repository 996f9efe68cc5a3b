"""Field types of units that check what they hold, and say so with the value that breaks a rule.

Paths are made absolute here, where the user's folder is still known: who reads them later is in
another.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from seldon_deployer import naming
from seldon_deployer.workload.amounts import read_amounts
from seldon_deployer.workload.rules import check_env_name, check_object_name, check_resources

_PYTHON_CLASS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
# A unit's name ends the label key `seldon-app-svc-<unit>`, of which Kubernetes takes 63.
LONGEST_UNIT_NAME = 48
# Containers that Seldon's operator adds to a unit's pod.
_RESERVED_NAMES = frozenset({"seldon-container-engine", "tfserving"})


def _check_unit_name(name: str) -> str:
    if not naming.is_dns_label(name):
        raise ValueError(
            f"{name!r} is no name of a unit: lower-case letters, digits and '-', a letter first"
        )
    if len(name) > LONGEST_UNIT_NAME:
        raise ValueError(f"{name!r} is longer than {LONGEST_UNIT_NAME} characters")
    if name in _RESERVED_NAMES:
        raise ValueError(f"{name!r} is the name of a container that Seldon adds")
    return name


def _check_python_class(value: str) -> str:
    if not _PYTHON_CLASS.fullmatch(value):
        dotted = value.replace(":", ".")
        meant = f": write {dotted}" if _PYTHON_CLASS.fullmatch(dotted) else ""
        raise ValueError(f"{value!r} is no name such as module.Class{meant}")
    return value


def _read_path(given: object) -> object:
    return os.fspath(given) if isinstance(given, os.PathLike) else given


def _absolute_uri(uri: str) -> str:
    if not uri or naming.is_address(uri):
        return uri
    return str(Path(uri).expanduser().absolute())


def _absolute_path(path: Path) -> Path:
    return path.expanduser().resolve()


def _check_env(env: dict[str, str]) -> dict[str, str]:
    for name in env:
        check_env_name(name)
    return env


def _check_resources(resources: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    check_resources(resources)
    return resources


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
ObjectName = Annotated[str, AfterValidator(check_object_name)]
UnitName = Annotated[str, AfterValidator(_check_unit_name)]
PythonClass = Annotated[str, AfterValidator(_check_python_class)]
Uri = Annotated[str, BeforeValidator(_read_path), AfterValidator(_absolute_uri)]
ModelUri = Annotated[Uri, Field(min_length=1)]
CodePath = Annotated[Path, AfterValidator(_absolute_path)]
Resources = Annotated[
    dict[str, dict[str, str]], BeforeValidator(read_amounts), AfterValidator(_check_resources)
]
Env = Annotated[dict[str, str], AfterValidator(_check_env)]
Parameters = dict[str, str | int | float | bool]
