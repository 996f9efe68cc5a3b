"""One row of the catalogue: a model server, and what a unit must say to be served by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer import __version__

# The image of our model server: a Python class as a unit.
OUR_IMAGE = f"seldon-deployer/server:{__version__}"


@dataclass(frozen=True, slots=True)
class Server:
    """A model server.

    images: protocol -> container image; a protocol that is missing is not served.
    files: protocol -> names that it looks for under the model's folder, in order; none where it
    reads a tree of folders instead.
    formats: what it reads, as `artifacts` calls them; empty where that is not known.
    versions: protocol -> library -> version inside the image, where it is known; `<=1.2` where
    only the newest that it can be is.
    parameters: parameters it reads, with their defaults ("" where it has none).
    model_parameter: the parameter that says where the model lies, of a server that looks nowhere
    else; needed: parameters without which it does not start, or serves another model than asked.
    local_class: `module.Class` of our own server of the same kind; None where there is none.
    libraries: packages that `local_class` needs to read models.
    is_prepackaged: whether Seldon's operator knows it by name. Of another the unit says the image,
    and env, itself. is_added: whether it is a user's.
    """

    name: str
    images: Mapping[str, str]
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    model_parameter: str = ""
    needed: tuple[str, ...] = ()
    local_class: str | None = None
    libraries: tuple[str, ...] = ()
    needs_model: bool = True
    is_prepackaged: bool = True
    env: Mapping[str, str] = field(default_factory=dict)
    is_added: bool = False

    def image(self, protocol: str) -> str | None:
        """The image for a protocol; `v2` and its old name `kfserving` stand for each other."""
        return self.images.get("v2" if protocol == "kfserving" else protocol)


@dataclass(frozen=True, slots=True)
class ServerUnit:
    """What the unit of a model, and its container, must say to be served by a server.

    implementation: for the graph; None for a server that the operator does not know.
    image, env: for its container; empty where the operator knows them.
    """

    implementation: str | None = None
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def unit_of(server: Server, protocol: str) -> ServerUnit:
    """How a manifest asks for a server; an image and env of the user's own win over it.

    Where the model lies the operator tells any container, in MLSERVER_MODEL_URI.
    """
    if server.is_prepackaged:
        # Of a user's, the image too: without one our own check wants a name that Seldon has.
        image = server.image(protocol) if server.is_added else None
        return ServerUnit(implementation=server.name, image=image, env=server.env)
    return ServerUnit(image=server.image(protocol), env=server.env)
