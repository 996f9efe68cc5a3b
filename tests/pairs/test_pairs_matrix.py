"""Nothing of the catalogue is left out of the pairs that are tried."""

from __future__ import annotations

from typing import get_args

import pytest
from pairs.matrix import (
    SPOKEN,
    applied_pairs,
    can_be_told_of_a_volume,
    served_pairs,
    stores_of,
)
from pairs.places import STORES
from pairs.samples import SAMPLES, Layout

from seldon_deployer.catalogue import Server, known_servers
from seldon_deployer.storage.location import Kind

SERVERS = list(known_servers().values())
HERE = [server for server in SERVERS if server.local_class]
# What a server reads, and no library here writes any more: XGBoost 3 neither reads nor writes it.
GONE = {("XGBOOST_SERVER", "binary"), ("OUR_XGBOOST_SERVER", "binary")}


def name_of(server: Server) -> str:
    return server.name


@pytest.mark.parametrize("server", SERVERS, ids=name_of)
def test_every_server_is_applied_with_each_protocol_in_each_store(server: Server) -> None:
    pairs = [pair for pair in applied_pairs() if pair.sample.server == server.name]

    wanted = {(protocol, store) for protocol in server.images for store in STORES}
    assert {(pair.protocol, pair.store) for pair in pairs} == wanted


@pytest.mark.parametrize("server", HERE, ids=name_of)
def test_every_server_that_runs_here_predicts_with_each_protocol(server: Server) -> None:
    pairs = [pair for pair in served_pairs() if pair.sample.server == server.name]

    # TensorFlow's own protocol is none that a configuration asks for.
    spoken = set(server.images) & set(SPOKEN)
    assert {pair.protocol for pair in pairs} == spoken != set()


@pytest.mark.parametrize("server", HERE, ids=name_of)
def test_every_format_that_a_server_here_reads_is_predicted_from(server: Server) -> None:
    tried = {pair.sample.format for pair in served_pairs() if pair.sample.server == server.name}

    missing = {(server.name, each) for each in server.formats if each not in tried}
    assert missing == {each for each in GONE if each[0] == server.name}


@pytest.mark.parametrize("layout", Layout)
def test_every_store_meets_every_layout_that_can_lie_in_it(layout: Layout) -> None:
    met = {pair.store for pair in served_pairs() if pair.sample.layout is layout}

    assert met == set(stores_of(layout))


def test_every_store_meets_every_protocol() -> None:
    met = {(pair.store, pair.protocol) for pair in served_pairs()}

    assert met == {(store, protocol) for store in STORES for protocol in SPOKEN}


def test_nothing_is_served_from_a_volume_that_its_server_cannot_be_told_of() -> None:
    mounted = {pair.sample.server for pair in served_pairs() if pair.store == "mount"}

    assert mounted
    assert all(map(can_be_told_of_a_volume, mounted))


def test_no_pair_is_tried_twice() -> None:
    for pairs in (served_pairs(), applied_pairs()):
        assert len({pair.model_name for pair in pairs}) == len(pairs)


def test_every_sample_is_of_a_server_there_is() -> None:
    assert {sample.server for sample in SAMPLES} == set(known_servers())


def test_every_kind_of_store_is_among_the_places() -> None:
    assert set(get_args(Kind)) - {"file"} == set(STORES) - {"path", "mount"}
