"""The model servers, as data: what each reads, for which protocol, in which versions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from seldon_deployer.catalogue.images import image_repository, server_of_image
from seldon_deployer.catalogue.ours import OUR_SERVERS
from seldon_deployer.catalogue.seldon import SELDON_SERVERS
from seldon_deployer.catalogue.server import (
    OUR_IMAGE,
    Server,
    ServerUnit,
    unit_of,
)
from seldon_deployer.errors import ConfigError

__all__ = [
    "BUILT_IN",
    "OUR_IMAGE",
    "SERVERS",
    "UNKNOWN_IMPLEMENTATION",
    "Server",
    "ServerUnit",
    "find_server",
    "image_repository",
    "is_prepackaged",
    "known_servers",
    "server_of_image",
    "unit_of",
]

# Implementations that the orchestrator has built in: no container, no model.
BUILT_IN = frozenset({"SIMPLE_MODEL", "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER"})
UNKNOWN_IMPLEMENTATION = "UNKNOWN_IMPLEMENTATION"

# The servers that Seldon's operator knows by name: a manifest may say these, and no others.
SERVERS: Mapping[str, Server] = {server.name: server for server in SELDON_SERVERS}
_OURS: Mapping[str, Server] = {server.name: server for server in OUR_SERVERS}


def known_servers(file: Path | None = None) -> Mapping[str, Server]:
    """Every server that can be asked for by name: Seldon's, ours, and those of a file.

    file: as `user` describes it; by default the one that SELDON_DEPLOYER_SERVERS names, if any.
    Raises ConfigError that names the file and what is wrong in it.
    """
    servers = {**SERVERS, **_OURS}
    named = file or os.environ.get("SELDON_DEPLOYER_SERVERS")
    if not named:
        return servers
    # Imported on use: most have no such file, and never need what reads it.
    from seldon_deployer.catalogue.user import read_servers

    return {**servers, **read_servers(Path(named), known=servers)}


def find_server(name: str, *, file: Path | None = None) -> Server:
    """The server of that name; raises ConfigError that lists the known ones."""
    servers = known_servers(file)
    try:
        return servers[name]
    except KeyError:
        similar = get_close_matches(name.upper(), servers, n=1)
        meant = f" (did you mean {similar[0]}?)" if similar else ""
        raise ConfigError(
            f"there is no model server {name!r}{meant}",
            why="the implementation is none of Seldon's prepackaged servers, nor of ours or yours",
            hint=f"use one of {', '.join(servers)}, or python_class for code of your own",
        ) from None


def is_prepackaged(implementation: str | None) -> bool:
    """Whether Seldon takes this implementation for a server's name: it does so with any typo."""
    return bool(implementation) and implementation not in BUILT_IN | {UNKNOWN_IMPLEMENTATION}
