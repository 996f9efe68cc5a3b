"""Servers that a user adds, or that the user's cluster has otherwise, from a file.

YAML or JSON, by default the file that SELDON_DEPLOYER_SERVERS names:

    servers:
      TABNET_SERVER:                    # an image of one's own
        images: {seldon: me/tabnet:1}   # protocol -> image; no other protocol is served
        files: [model.zip]              # names that it looks for, in order (or protocol -> names)
        formats: [pickle]               # what it reads, to have models converted for it
        parameters: {method: predict}   # what it reads, with the defaults
        env: {WORKERS: "2"}             # for its container
        needs_model: false              # whether it must have a modelUri
      TEAM_SERVER:
        images: {v2: me/team:3}
        prepackaged: true               # the operator's predictor_servers has it by this name
      SKLEARN_SERVER:                   # what this cluster's operator has by a known name
        images: {seldon: mirror/sklearnserver:2}
        versions: {seldon: {scikit-learn: "1.5.2"}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seldon_deployer.catalogue.server import Server
from seldon_deployer.errors import ConfigError

FILE_VARIABLE = "SELDON_DEPLOYER_SERVERS"

Protocol = Literal["seldon", "tensorflow", "v2"]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _Row(BaseModel):
    """One server as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: dict[Protocol, str] = Field(default_factory=dict)
    files: list[str] | dict[Protocol, list[str]] | None = None
    formats: list[str] | None = None
    # A version without quotes is a number to YAML: 1.10 would be 1.1, so it is refused.
    versions: dict[Protocol, dict[str, str]] | None = None
    parameters: dict[str, str] | None = None
    env: dict[str, str] | None = None
    needs_model: bool | None = None
    prepackaged: bool | None = None


def load_servers(
    text: str, *, known: Mapping[str, Server], where: str = "the servers' file"
) -> Mapping[str, Server]:
    """Read servers from YAML or JSON: name -> server, of those that the text names.

    known: servers whose rows are changed where the text names them.
    Raises ConfigError that names `where` and each wrong field.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is neither YAML nor JSON", why=_one_line(error)) from error
    rows = given.get("servers") if isinstance(given, dict) else None
    if not isinstance(rows, dict) or set(given) != {"servers"}:
        raise ConfigError(
            f"{where} describes no servers",
            why="it must have one key, servers, with a server under each name",
            hint="servers: {MY_SERVER: {images: {seldon: me/server:1}}}",
        )
    return {str(name): _read_row(str(name), row, known, where) for name, row in rows.items()}


def read_servers(path: Path, *, known: Mapping[str, Server]) -> Mapping[str, Server]:
    """Read the servers of a file, as `load_servers` does. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the servers' file {path} cannot be read",
            why=error.strerror or type(error).__name__,
            hint=f"check {FILE_VARIABLE}",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the servers' file {path} is no text", why=str(error)) from error
    return load_servers(text, known=known, where=str(path))


def _read_row(name: str, row: Any, known: Mapping[str, Server], where: str) -> Server:
    if not _NAME.fullmatch(name):
        raise _wrong(where, [f"servers.{name}: no name such as MY_SERVER"])
    try:
        given = _Row.model_validate(row, strict=True)
    except ValidationError as error:
        raise _wrong(where, _problems(name, error)) from error
    formats = {each for server in known.values() for each in server.formats}
    if unknown := sorted(set(given.formats or ()) - formats):
        told = f"{', '.join(unknown)} is none of {', '.join(sorted(formats))}"
        raise _wrong(where, [f"servers.{name}.formats: {told}"])
    server = known.get(name)
    if server is None:
        if not given.images:
            raise _wrong(where, [f"servers.{name}.images: a server needs an image"])
        server = Server(name, {}, is_prepackaged=False, is_added=True)
    return _change(server, given)


def _change(server: Server, row: _Row) -> Server:
    """The server with what the row says; files in one list are those of every protocol."""
    images = {**server.images, **{str(each): image for each, image in row.images.items()}}
    files: dict[Any, Any] = {}
    if row.files is not None:
        files = row.files if isinstance(row.files, dict) else dict.fromkeys(images, row.files)
    told: dict[str, Any] = {
        "files": {each: tuple(names) for each, names in files.items()} or None,
        "formats": row.formats and tuple(row.formats),
        "versions": row.versions and {**server.versions, **row.versions},
        "parameters": row.parameters,
        "env": row.env,
        "needs_model": row.needs_model,
        "is_prepackaged": row.prepackaged,
    }
    changes = {name: value for name, value in told.items() if value is not None}
    return replace(server, images=images, **changes)


def _problems(name: str, error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(('servers', name, *(str(part) for part in issue['loc'])))}: {issue['msg']}"
        for issue in error.errors()
    ]


def _wrong(where: str, problems: list[str]) -> ConfigError:
    return ConfigError(
        f"{where} describes a server wrongly",
        why="; ".join(problems),
        hint=f"see {__name__} for what can be said of a server",
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
