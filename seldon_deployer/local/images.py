"""Which program stands for a container image on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seldon_deployer import catalogue
from seldon_deployer.catalogue import image_repository
from seldon_deployer.local.orchestrator import ENGINE_IMAGE
from seldon_deployer.local.tensorflow_serving import is_serving
from seldon_deployer.local.unit_container import INITIALIZER_IMAGE

Object = dict[str, Any]


class Program(StrEnum):
    """What runs in place of a container."""

    SERVER = "server"  # the model server, as a process
    INITIALIZER = "initializer"  # a copy of files
    GATEWAY = "gateway"  # the orchestrator's work, done by the gateway
    UNIT = "unit"  # a part of a unit's work, done by the unit's own process


@dataclass(frozen=True)
class Runnable:
    """A program; `model_class` is the class for the model server, None: as its variables say."""

    program: Program
    model_class: str | None = None

    @property
    def is_done_elsewhere(self) -> bool:
        """Whether another process does its work, so that it has none of its own."""
        return self.program in (Program.GATEWAY, Program.UNIT)


class NotRunnable(Exception):
    """This image is no program that the embedded runtime has; the text says what to do."""


def find_program(container: Object) -> Runnable:
    """The program for a container's image; raises NotRunnable."""
    image = container.get("image", "")
    repository = image_repository(image)
    if repository == image_repository(ENGINE_IMAGE):
        return Runnable(Program.GATEWAY)
    if repository == image_repository(INITIALIZER_IMAGE):
        return Runnable(Program.INITIALIZER)
    if repository == image_repository(catalogue.OUR_IMAGE):
        return Runnable(Program.SERVER)
    if is_serving(container):
        return Runnable(Program.UNIT)
    server = catalogue.server_of_image(image)
    if server is not None and server.local_class and not _speaks_tensorflow(server, repository):
        return Runnable(Program.SERVER, server.local_class)
    what = f'the image "{image}"' if image else "a container without an image"
    raise NotRunnable(
        f"Container {container['name']}: the embedded runtime cannot run {what}. "
        f"It runs {', '.join(_servers())}, and a Python class of your own in the image "
        f"{image_repository(catalogue.OUR_IMAGE)}; deploy anything else to a cluster."
    )


def _speaks_tensorflow(server: catalogue.Server, repository: str) -> bool:
    """Whether an image is the one for TensorFlow's protocol, which nothing here speaks."""
    return repository == image_repository(server.image("tensorflow") or "")


def _servers() -> list[str]:
    """The servers that have one of ours of the same kind."""
    return [server.name for server in catalogue.SERVERS.values() if server.local_class]
