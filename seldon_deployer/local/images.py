"""Which program stands for a container image on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seldon_deployer import catalogue
from seldon_deployer.local.orchestrator import ENGINE_IMAGE
from seldon_deployer.local.unit_container import INITIALIZER_IMAGE

Object = dict[str, Any]


class Program(StrEnum):
    """What runs in place of a container."""

    SERVER = "server"  # the model server, as a process
    INITIALIZER = "initializer"  # a copy of files
    GATEWAY = "gateway"  # the orchestrator's work, done by the gateway


@dataclass(frozen=True)
class Runnable:
    """A program; `model_class` is the class for the model server, None: as its variables say."""

    program: Program
    model_class: str | None = None


class NotRunnable(Exception):
    """This image is no program that the embedded runtime has; the text says what to do."""


def find_program(container: Object) -> Runnable:
    """The program for a container's image; raises NotRunnable."""
    image = container.get("image", "")
    repository = _repository(image)
    if repository == _repository(ENGINE_IMAGE):
        return Runnable(Program.GATEWAY)
    if repository == _repository(INITIALIZER_IMAGE):
        return Runnable(Program.INITIALIZER)
    if repository == _repository(catalogue.OUR_IMAGE):
        return Runnable(Program.SERVER)
    for server in catalogue.SERVERS.values():
        images = {_repository(known) for known in server.images.values()}
        if server.local_class and repository in images:
            return Runnable(Program.SERVER, server.local_class)
    raise NotRunnable(
        f'Container {container["name"]}: the embedded runtime cannot run the image "{image}". '
        "It runs SKLEARN_SERVER, and a Python class of your own in the image "
        f"{_repository(catalogue.OUR_IMAGE)}; deploy anything else to a cluster."
    )


def _repository(image: str) -> str:
    """The image without tag, digest and Docker's default registry."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return (head + slash + last.partition(":")[0]).removeprefix("docker.io/")
