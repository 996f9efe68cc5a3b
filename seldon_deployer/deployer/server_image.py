"""The image for a server of ours on a cluster: it is in no registry until its user builds one."""

from __future__ import annotations

import logging
import os
from typing import Protocol

from seldon_deployer.catalogue import OUR_IMAGE, SERVERS, Server, find_server
from seldon_deployer.errors import ConfigError
from seldon_deployer.image.code import FUNCTION_UNIT

log = logging.getLogger(__name__)

_OURS = "seldon_deployer.server."
# The image for all servers of ours, where neither configuration nor component names one.
IMAGE_VARIABLE = "SELDON_DEPLOYER_SERVER_IMAGE"


class Asked(Protocol):
    """What a configuration says of what serves."""

    @property
    def image(self) -> str | None:
        """The image it names."""

    @property
    def protocol(self) -> str:
        """The protocol to speak."""

    @property
    def python_class(self) -> str | None:
        """The class that serves, where one is named."""


def choose_server_image(
    config: Asked, implementation: str | None, *, default: str | None, is_offline: bool
) -> str | None:
    """The image for a server of ours; None where the configuration or the catalogue has one.

    default: the image for all of them, else the environment's. is_offline: nothing will be sent:
    ours is named, with a warning. Raises ConfigError where there is none.
    """
    if config.image:
        return None
    if implementation is None:
        if not is_class_of_ours(config.python_class):
            return None
        name = str(config.python_class)
        hint = _how_to_build(f" --python-class {name}")
    else:
        server = find_server(implementation)
        if server.image(config.protocol) != OUR_IMAGE:
            return None
        name, hint = server.name, _what_to_try(server, config.protocol)
    if image := default or os.environ.get(IMAGE_VARIABLE):
        return image
    if not is_offline:
        raise ConfigError(
            f"{name} needs an image to run on a cluster",
            why="it is a server of ours, and its image is in no registry until you build one",
            hint=hint,
        )
    log.warning("the image %s is in no registry: %s", OUR_IMAGE, hint)
    return None


def is_class_of_ours(python_class: str | None) -> bool:
    """Whether every image of our server has this class: no code of the user's goes into it."""
    return python_class != FUNCTION_UNIT and (python_class or "").startswith(_OURS)


def _how_to_build(arguments: str) -> str:
    return (
        f"`seldon-deployer image context DIR{arguments}` writes what to build; "
        f"name the image by `image`, or for all servers of ours by --server-image or "
        f"{IMAGE_VARIABLE}"
    )


def _what_to_try(server: Server, protocol: str) -> str:
    build = _how_to_build(f" --implementation {server.name}")
    twins = [
        _described(each, protocol)
        for each in SERVERS.values()
        if set(each.formats) & set(server.formats) and each.image(protocol)
    ]
    return "; or ".join([build, *twins])


def _described(server: Server, protocol: str) -> str:
    """A server of Seldon's that reads the same, and what a model for it must fit."""
    versions = server.versions.get(protocol, {})
    has = ", ".join(f"{library} {version}" for library, version in versions.items())
    files = " or ".join(server.files.get(protocol, ()))
    reads = f", which reads {files}" if files else ""
    return f"implementation={server.name}{reads}" + (f" with {has}" if has else "")
