"""The files of a kubeconfig: which they are, and what stands in them, or why they are none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ConfigError

DEFAULT_PATH = "~/.kube/config"
_LOCAL = "or work without a cluster: --runtime=local"
_SHAPES: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text"}

Entries = dict[str, dict[str, Any]]


def has_kubeconfig() -> bool:
    """Whether KUBECONFIG names any file, be it there or not, or the user has one of their own."""
    return bool(_named()) or Path(DEFAULT_PATH).expanduser().is_file()


def kubeconfig_path() -> str:
    """The files of KUBECONFIG, as they stand there, or the user's own."""
    return _named() or DEFAULT_PATH


def find_files(given: str | Path | None) -> list[Path]:
    """The files of a given kubeconfig, else of KUBECONFIG or the user's own, that are there.

    As for kubectl, missing ones among several are left out. Raises ConfigError when none is left.
    """
    path = str(given) if given is not None else kubeconfig_path()
    files = [Path(part).expanduser() for part in path.split(os.pathsep) if part]
    if found := [file for file in files if file.is_file()]:
        return found
    if given is not None:
        why, hint = "it was given by name", "correct its path, or leave it out"
    elif _named():
        why = "KUBECONFIG names it, and it is no file"
        hint = f"correct KUBECONFIG or unset it, {_LOCAL}"
    else:
        why, hint = "KUBECONFIG is not set", f"set KUBECONFIG, {_LOCAL}"
    raise ConfigError(f"there is no kubeconfig at {path}", why=why, hint=hint)


def read_files(files: list[Path]) -> tuple[str | None, Entries, Entries, Entries]:
    """The current context, the contexts, clusters and users of merged files: the first one wins.

    Raises ConfigError, with the file's path, for one that is no kubeconfig.
    """
    current: str | None = None
    contexts: Entries = {}
    clusters: Entries = {}
    users: Entries = {}
    for file in files:
        config = _parse(file)
        current = current or config.get("current-context")
        for found, section in ((contexts, "context"), (clusters, "cluster"), (users, "user")):
            for name, entry in _entries(file, config, section):
                found.setdefault(name, entry)
    return current, contexts, clusters, users


def unusable(path: str | Path, why: str) -> ConfigError:
    """The error for a kubeconfig that is there and cannot be used."""
    return ConfigError(
        f"the kubeconfig {path} cannot be used",
        why=why,
        hint="correct the file (`kubectl config view` reads it as well), or name another one "
        "with KUBECONFIG",
    )


def _named() -> str:
    # The official client reads KUBECONFIG when it is imported; we want it as it is now.
    return os.environ.get("KUBECONFIG") or ""


def _parse(file: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.safe_load(file.read_text())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise unusable(file, f"it is no valid YAML{where}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise unusable(file, "it is no text that YAML allows") from error
    except OSError as error:
        raise unusable(file, f"it cannot be read: {error.strerror}") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise unusable(file, f"it holds {_shape(config)} where a kubeconfig is a mapping")
    return config


def _entries(
    file: Path, config: dict[str, Any], section: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = config.get(f"{section}s") or []
    if not isinstance(entries, list):
        raise unusable(file, f"{section}s is {_shape(entries)}, not a list")
    for number, each in enumerate(entries):
        where = f"{section}s[{number}]"
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise unusable(file, f"{where} has no name")
        # kubectl leaves an empty one out of the file, or writes null.
        entry = each.get(section) or {}
        if not isinstance(entry, dict):
            raise unusable(file, f"{where}.{section} is {_shape(entry)}, not a mapping")
        yield each["name"], entry


def _shape(value: Any) -> str:
    return _SHAPES.get(type(value), "a single value")
