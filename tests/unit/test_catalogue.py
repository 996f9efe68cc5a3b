from __future__ import annotations

import pytest

from seldon_deployer import __version__
from seldon_deployer.catalogue import (
    OUR_IMAGE,
    SERVERS,
    Server,
    ServerUnit,
    find_server,
    is_prepackaged,
    known_servers,
    server_of_image,
    unit_of,
)
from seldon_deployer.catalogue.ours import OUR_SERVERS
from seldon_deployer.errors import ConfigError


def test_servers_are_found_by_name() -> None:
    for name in known_servers():
        assert find_server(name).name == name


def test_an_unknown_server_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        find_server("SKLEARN")

    assert all(name in caught.value.hint for name in known_servers())


@pytest.mark.parametrize(
    ("name", "meant"),
    [("lightgbm_server", "LIGHTGBM_SERVER"), ("SKLEARN_SERVR", "SKLEARN_SERVER")],
)
def test_a_misspelt_server_is_told_what_it_is_like(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"did you mean {meant}\?"):
        find_server(name)


@pytest.mark.parametrize(
    ("name", "protocol", "image"),
    [
        ("SKLEARN_SERVER", "seldon", "seldonio/sklearnserver:1.17.1"),
        ("SKLEARN_SERVER", "v2", "seldonio/mlserver:1.3.5-sklearn"),
        ("SKLEARN_SERVER", "kfserving", "seldonio/mlserver:1.3.5-sklearn"),
        ("SKLEARN_SERVER", "tensorflow", None),
        ("TENSORFLOW_SERVER", "tensorflow", "tensorflow/serving:2.1.0"),
        ("TRITON_SERVER", "seldon", None),
    ],
)
def test_images_are_seldons(name: str, protocol: str, image: str | None) -> None:
    assert find_server(name).image(protocol) == image


def test_our_image_has_our_version() -> None:
    assert OUR_IMAGE.endswith(f":{__version__}")


@pytest.mark.parametrize(
    ("implementation", "expected"),
    [
        (None, False),
        ("", False),
        ("UNKNOWN_IMPLEMENTATION", False),
        ("RANDOM_ABTEST", False),
        ("SKLEARN_SERVER", True),
        ("SKLEARN_SERVR", True),
    ],
)
def test_a_typo_counts_as_a_servers_name(implementation: str | None, expected: bool) -> None:
    assert is_prepackaged(implementation) is expected


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("seldonio/sklearnserver:1.17.1", "SKLEARN_SERVER"),
        ("seldonio/sklearnserver", "SKLEARN_SERVER"),
        ("docker.io/seldonio/sklearnserver:1.16.0@sha256:0", "SKLEARN_SERVER"),
        ("seldonio/sklearnserver:1.17.1-dev", "SKLEARN_SERVER"),
        ("seldonio/mlserver:1.3.5-sklearn", "SKLEARN_SERVER"),
        ("seldonio/mlserver:1.2.0-xgboost", "XGBOOST_SERVER"),
        ("seldonio/mlserver:1.3.5", None),
        ("registry.local:5000/sklearnserver:1", None),
        ("", None),
    ],
)
def test_an_image_tells_its_server_whatever_the_version(image: str, name: str | None) -> None:
    server = server_of_image(image)

    assert (server.name if server else None) == name


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize("server", OUR_SERVERS, ids=lambda server: server.name)
def test_a_server_of_ours_is_asked_for_by_image_and_class(server: Server, protocol: str) -> None:
    unit = unit_of(server, protocol)

    assert unit.implementation is None  # the operator would answer: no such server
    assert unit.image == OUR_IMAGE
    assert unit.env == {"MODEL_NAME": server.local_class, "SERVICE_TYPE": "MODEL"}


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_server_of_seldons_is_asked_for_by_name_alone(server: Server) -> None:
    assert unit_of(server, "v2") == ServerUnit(implementation=server.name)


def test_what_a_manifest_may_name_are_seldons_servers_only() -> None:
    assert set(SERVERS) < set(known_servers())
    assert {server.name for server in OUR_SERVERS} == set(known_servers()) - set(SERVERS)
