"""Which pairs of server, protocol and store are tried, as rules over the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
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
    """Every model with every protocol of its server, in one store; the stores take turns.

    Then what no turn brought together: each store with each layout, and with each protocol.
    """
    found = []
    for start, layout in enumerate(Layout):
        stores = stores_of(layout)
        turns = cycle([*stores[start:], *stores[:start]])
        for model, protocol in _rows_of(layout):
            store = next(each for each in turns if can_be_served_from(each, model.server))
            found.append(Pair(model, protocol, store))
    for layout in Layout:
        rows = cycle(_rows_of(layout))
        for store in stores_of(layout):
            if not any((p.store, p.sample.layout) == (store, layout) for p in found):
                found.append(next(_fitting(rows, store)))
    rows = cycle(row for layout in Layout for row in _rows_of(layout))
    for store, spoken in product(STORES, SPOKEN):
        if not any((p.store, p.protocol) == (store, spoken) for p in found):
            found.append(next(p for p in _fitting(rows, store) if p.protocol == spoken))
    return found


def _rows_of(layout: Layout) -> list[tuple[Model, str]]:
    return [
        (model, protocol)
        for model in MODELS
        if model.layout is layout
        for protocol in spoken_by(model.server)
    ]


def _fitting(rows: Iterator[tuple[Model, str]], store: str) -> Iterator[Pair[Model]]:
    for model, protocol in rows:
        if store in stores_of(model.layout) and can_be_served_from(store, model.server):
            yield Pair(model, protocol, store)


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


def can_be_served_from(store: str, server: str) -> bool:
    """Whether that server can be told where the model is, if it is in that store."""
    return store != "mount" or can_be_told_of_a_volume(server)


def can_be_told_of_a_volume(server: str) -> bool:
    """Whether a server learns of a mounted model: those do that are images for both protocols.

    Of Seldon's, those are a wrapper of its own and MLServer; others are told by arguments alone.
    """
    return spoken_by(server) == list(SPOKEN)
