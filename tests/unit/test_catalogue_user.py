from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.artifacts.detect import detect
from seldon_deployer.catalogue import SERVERS, ServerUnit, find_server, known_servers, unit_of
from seldon_deployer.catalogue.user import load_servers
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.build import build_manifest

OWN = """
servers:
  TABNET_SERVER:
    images: {seldon: me/tabnet:1, v2: me/tabnet:2}
    files: [model.zip]
    env: {WORKERS: "2"}
  TEAM_SERVER:
    images: {v2: me/team:3}
    prepackaged: true
  SKLEARN_SERVER:
    images: {seldon: mirror/sklearnserver:2}
    versions: {seldon: {scikit-learn: "1.5.2"}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "servers.yaml"
    path.write_text(OWN)
    monkeypatch.setenv("SELDON_DEPLOYER_SERVERS", str(path))
    return path


def test_a_server_of_a_file_is_found_by_name(file: Path) -> None:
    server = find_server("TABNET_SERVER")

    assert server.image("v2") == "me/tabnet:2"
    assert server.files == {"seldon": ("model.zip",), "v2": ("model.zip",)}
    assert list(known_servers())[: len(SERVERS)] == list(SERVERS)


def test_a_file_may_be_named_instead_of_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(yaml.safe_load(OWN)))

    assert find_server("TEAM_SERVER", file=path).is_prepackaged
    with pytest.raises(ConfigError, match="no model server 'TEAM_SERVER'"):
        find_server("TEAM_SERVER")


def test_a_server_of_ones_own_says_its_image_and_env(file: Path) -> None:
    assert unit_of(find_server("TABNET_SERVER"), "seldon") == ServerUnit(
        image="me/tabnet:1", env={"WORKERS": "2"}
    )


def test_one_that_the_operator_knows_is_asked_for_by_name_and_image(file: Path) -> None:
    unit = unit_of(find_server("TEAM_SERVER"), "v2")

    assert unit == ServerUnit(implementation="TEAM_SERVER", image="me/team:3")


def test_a_known_server_keeps_what_the_file_does_not_say(file: Path) -> None:
    server, known = find_server("SKLEARN_SERVER"), SERVERS["SKLEARN_SERVER"]

    assert server.image("seldon") == "mirror/sklearnserver:2"
    assert server.versions["seldon"] == {"scikit-learn": "1.5.2"}
    assert (server.image("v2"), server.files) == (known.image("v2"), known.files)
    # Its image is the operator's to choose, as before.
    assert unit_of(server, "seldon") == ServerUnit("SKLEARN_SERVER")
    assert find_server("XGBOOST_SERVER") == SERVERS["XGBOOST_SERVER"]


def test_its_own_file_is_served_where_it_is(file: Path) -> None:
    found = detect(["model.zip"], implementation="TABNET_SERVER")

    assert (found.fits, found.implementation) == (True, "TABNET_SERVER")


def test_a_manifest_names_it_as_its_row_says(file: Path) -> None:
    manifest = build_manifest(
        DeploymentConfig(
            model_name="iris", model_uri="s3://b/iris", implementation="TEAM_SERVER", protocol="v2"
        ),
        namespace="models",
        orchestrator=False,
        uri="s3://b/iris",
        implementation="TEAM_SERVER",
        fingerprint="",
    )

    [predictor] = manifest["spec"]["predictors"]
    assert predictor["graph"]["implementation"] == "TEAM_SERVER"
    [container] = predictor["componentSpecs"][0]["spec"]["containers"]
    assert container["image"] == "me/team:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("servers: [", "is neither YAML nor JSON"),
        ("[]", "one key, servers"),
        ("servers: {}\nother: 1", "one key, servers"),
        ("servers: [A]", "one key, servers"),
        ("servers: {A: {}}", r"servers\.A\.images: a server needs an image"),
        ("servers: {A-B: {images: {seldon: x}}}", r"servers\.A-B: no name"),
        ("servers: {A: {images: {grpc: x}}}", r"servers\.A\.images\.grpc"),
        ("servers: {A: {image: x}}", r"servers\.A\.image: Extra"),
        ("servers: {A: {images: {seldon: 1}}}", r"servers\.A\.images\.seldon"),
        (
            "servers: {SKLEARN_SERVER: {versions: {seldon: {scikit-learn: 1.10}}}}",
            r"servers\.SKLEARN_SERVER\.versions\.seldon\.scikit-learn: Input should be a valid str",
        ),
        ("servers: {A: null}", r"servers\.A: "),
        (
            "servers: {A: {images: {v2: x}, formats: [pikle]}}",
            r"servers\.A\.formats: pikle is none of .*pickle",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "servers.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=message) as caught:
        known_servers(path)

    assert str(path) in caught.value.what


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read.*SELDON_DEPLOYER_SERVERS"):
        known_servers(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "servers.yaml").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(ConfigError, match="is no text"):
        known_servers(tmp_path / "servers.yaml")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["servers", "A", "SKLEARN_SERVER", "images", "seldon", "files", "versions"]
                ),
                inner,
                max_size=3,
            )
        ),
    )
)
def test_any_document_is_servers_or_a_clear_error(document: object) -> None:
    try:
        servers = load_servers(json.dumps(document), known=SERVERS, where="it")
    except ConfigError as error:
        servers, told = {}, error
        assert told.why.strip()
    assert all(server.images for server in servers.values())
