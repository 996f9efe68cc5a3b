"""`--file`: a DeploymentConfig in YAML, with single options over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seldon_deployer.cli.files import STDIN, read_text
from seldon_deployer.errors import ConfigError, UsageError
from seldon_deployer.naming import is_address

_PATHS = frozenset({"model_uri", "modelUri", "code_path", "codePath"})
# Below these the user's own words stand.
_FREE = frozenset({"overlay", "parameters", "env", "annotations", "labels", "config"})


def read_config_file(file: str) -> dict[str, Any]:
    """The fields of a configuration, by their own names, unchecked.

    Paths in it are relative to its folder. Raises UsageError or ConfigError for what is no mapping
    in YAML or JSON, and for a manifest.
    """
    from seldon_deployer.config import DeploymentConfig
    from seldon_deployer.manifest.documents import Unparsed, read_documents

    documents = read_documents(read_text(file))
    shown = "stdin" if file == STDIN else file
    for document in documents:
        if isinstance(document, Unparsed):
            raise ConfigError(
                f"{shown} is no YAML", why=f"line {document.line}: {document.message}"
            )
    _check_no_manifest(shown, documents)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise ConfigError(
            f"{shown} is no configuration",
            why=f"it holds {len(documents)} documents, and one mapping of fields is wanted",
            hint="model_name: iris, model_uri: s3://models/iris, and so on",
        )
    folder = Path.cwd() if file == STDIN else Path(file).resolve().parent
    try:
        return DeploymentConfig.own_names(_place(documents[0], folder))
    except ValueError as error:
        raise ConfigError(f"{shown} is no configuration", why=str(error)) from error


def _check_no_manifest(shown: str, documents: list[Any]) -> None:
    for document in documents:
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
            continue
        kind = document["kind"]
        raise UsageError(
            f"{shown} holds a {kind}, and --file takes a configuration",
            why="a manifest is whole already: nothing is built from it",
            hint=f"--manifest {shown} with deploy or diff applies or compares it as it is; "
            f"seldon-deployer validate {shown} judges it"
            if kind == "SeldonDeployment"
            else f"kubectl apply -f {shown}",
        )


def lay_over(fields: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a file with what the options say; of mappings only what both say is theirs."""
    merged = dict(fields)
    for name, value in options.items():
        below = merged.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[name] = {**below, **value}
        elif isinstance(value, dict) and isinstance(below, list):
            # Kubernetes' own form of an environment.
            kept = [each for each in below if _name(each) not in value]
            merged[name] = kept + [{"name": key, "value": text} for key, text in value.items()]
        else:
            merged[name] = value
    return merged


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, dict) else None


def _place(value: Any, folder: Path) -> Any:
    """Make relative paths absolute, wherever in the configuration they are."""
    if isinstance(value, list):
        return [_place(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: each
        if key in _FREE
        else str(folder / Path(each).expanduser())
        if key in _PATHS and isinstance(each, str) and each and not is_address(each)
        else _place(each, folder)
        for key, each in value.items()
    }
