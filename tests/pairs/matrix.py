"""Which pairs of server, protocol and store are tried, as rules over the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pairs.places import STORES, VOLUMES
from pairs.samples import MODELS, SAMPLES, Layout, Model, Sample

from seldon_deployer.catalogue import known_servers

# The protocols of a configuration, which the embedded runtime speaks.
SPOKEN = ("seldon", "v2")

S = TypeVar("S", bound=Sample)


@dataclass(frozen=True)
class Pair(Generic[S]):
    """A sample, asked for with a protocol, in a store."""

    sample: S
    protocol: str
    store: str

    def __str__(self) -> str:
        return f"{self.sample.title}, {self.protocol}, {self.store}"

    @property
    def model_name(self) -> str:
        """Its own, so that no two pairs meet."""
        return "-".join(str(self).lower().replace(",", "").split())


def served_pairs() -> list[Pair[Model]]:
    """Every model with every protocol of its server, such that every store meets every layout.

    Among the pairs of a layout the stores take turns, as long as there is a pair or a store that
    had none; each layout begins with another store, or one protocol would always meet the same.
    """
    found = []
    for start, layout in enumerate(Layout):
        rows = [
            (model, each)
            for model in MODELS
            if model.layout is layout
            for each in spoken_by(model.server)
        ]
        stores = stores_of(layout)
        for index in range(max(len(rows), len(stores))):
            model, protocol = rows[index % len(rows)]
            found.append(Pair(model, protocol, stores[(start + index) % len(stores)]))
    return found


def spoken_by(server: str) -> list[str]:
    """The protocols of a configuration in which that server is asked."""
    return [each for each in SPOKEN if known_servers()[server].image(each) is not None]


def stores_of(layout: Layout) -> Sequence[str]:
    """Where files of that layout can be served from: into a volume nobody here can write a copy."""
    return [each for each in STORES if layout is not Layout.COPY or each not in VOLUMES]


def applied_pairs() -> list[Pair[Sample]]:
    """Every server with every protocol of its images, in every store."""
    return [
        Pair(fitting_sample(name), protocol, store)
        for name, server in known_servers().items()
        for protocol in server.images
        for store in STORES
    ]


def fitting_sample(server: str) -> Sample:
    """What that server reads as it is. Raises LookupError."""
    for sample in SAMPLES:
        if sample.server == server and sample.layout is not Layout.COPY:
            return sample
    raise LookupError(f"nothing that {server} reads as it is: give it a sample in samples.py")


def can_be_told_of_a_volume(server: str) -> bool:
    """Whether a server learns of a mounted model: those do that are images for both protocols.

    Of Seldon's, those are a wrapper of its own and MLServer; others are told by arguments alone.
    """
    return spoken_by(server) == list(SPOKEN)
