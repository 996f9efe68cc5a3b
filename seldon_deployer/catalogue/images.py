"""From a container's image to the server in it."""

from __future__ import annotations

from seldon_deployer.catalogue.seldon import SELDON_SERVERS
from seldon_deployer.catalogue.server import Server


def server_of_image(image: str) -> Server | None:
    """The server of Seldon's that an image holds, whatever its version; None for any other image.

    Servers of the V2 protocol share a repository: the word after the version tells them apart.
    """
    repository, kind = image_repository(image), _tag_kind(image)
    known = [(server, own) for server in SELDON_SERVERS for own in server.images.values()]
    found = [(server, own) for server, own in known if image_repository(own) == repository]
    if len({server.name for server, _ in found}) > 1:
        found = [(server, own) for server, own in found if _tag_kind(own) == kind]
    return found[0][0] if found else None


def image_repository(image: str) -> str:
    """An image's name without tag, digest and Docker's default registry."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return (head + slash + last.partition(":")[0]).removeprefix("docker.io/")


def _tag_kind(image: str) -> str:
    """What an image's tag says after the version."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag.partition("-")[2]
