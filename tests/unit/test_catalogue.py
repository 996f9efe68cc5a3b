from __future__ import annotations

import pytest

from seldon_deployer import __version__
from seldon_deployer.catalogue import (
    OUR_IMAGE,
    SERVERS,
    find_server,
    is_prepackaged,
    server_of_image,
)
from seldon_deployer.errors import ConfigError


def test_servers_are_found_by_name() -> None:
    for name in SERVERS:
        assert find_server(name).name == name


def test_an_unknown_server_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        find_server("SKLEARN")

    assert all(name in caught.value.hint for name in SERVERS)


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
