from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from seldon_deployer import DeploymentConfig
from seldon_deployer.artifacts.location import local_path
from seldon_deployer.errors import ArtifactError, ConfigError
from seldon_deployer.storage.location import Location, parse_location

MINIO = {"RCLONE_CONFIG_MINIO_TYPE": SecretStr("s3")}
SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "azureblob", "wasb", "wasbs", "pvc")

parts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1)
names = parts.filter(
    lambda part: "/" not in part and part not in (".", "..") and part.isprintable()
)
buckets = st.from_regex(r"[a-z0-9][a-z0-9.-]{2,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("uri", "expected", "server_uri"),
    [
        ("s3://models/iris", Location("s3", "models", "iris"), "s3://models/iris"),
        ("s3://models", Location("s3", "models", ""), "s3://models"),
        ("s3a://models/a/b/", Location("s3", "models", "a/b"), "s3://models/a/b"),
        ("S3:///models/a", Location("s3", "models", "a"), "s3://models/a"),
        ("s3:models/a", Location("s3", "models", "a"), "s3://models/a"),
        ("gs://models/a?b%20c", Location("gs", "models", "a?b%20c"), "gs://models/a?b%20c"),
        ("az://c/p", Location("azureblob", "c", "p"), "azureblob://c/p"),
        ("abfs://c/p", Location("azureblob", "c", "p"), "azureblob://c/p"),
        (
            "abfss://c@Acc.dfs.core.windows.net/p",
            Location("azureblob", "c", "p", account="acc", endpoint="blob.core.windows.net"),
            "azureblob://c/p",
        ),
        (
            "wasbs://c@acc.blob.core.usgovcloudapi.net",
            Location("azureblob", "c", "", account="acc", endpoint="blob.core.usgovcloudapi.net"),
            "azureblob://c",
        ),
        (
            "abfss://c@acc.dfs.core.chinacloudapi.cn/p",
            Location("azureblob", "c", "p", account="acc", endpoint="blob.core.chinacloudapi.cn"),
            "azureblob://c/p",
        ),
        # rclone's own names are addresses without slashes; one of them is no path either.
        ("s3:/models/a", Location("s3", "models", "a"), "s3://models/a"),
        ("az:/c/p", Location("azureblob", "c", "p"), "azureblob://c/p"),
        ("pvc://claim/iris", Location("pvc", "claim", "iris"), "pvc://claim/iris"),
        ("/m/my iris", Location("file", "", "/m/my iris"), "file:///m/my%20iris"),
        ("file:///m/my%20iris", Location("file", "", "/m/my iris"), "file:///m/my%20iris"),
    ],
)
def test_an_address_names_a_store_a_bucket_and_a_path(
    uri: str, expected: Location, server_uri: str
) -> None:
    assert parse_location(uri) == expected
    assert expected.server_uri == server_uri


@pytest.mark.parametrize("uri", ["model", "az:b", "a b:c", "model.joblib", "x:y"])
def test_what_is_no_address_is_a_path_of_this_machine(uri: str) -> None:
    assert parse_location(uri) == Location("file", "", str(Path.cwd() / uri))


def test_a_remote_of_the_environment_is_an_address_with_and_without_slashes() -> None:
    expected = Location("s3", "models", "iris", remote="minio")

    for uri in ("minio://models/iris", "minio:models/iris"):
        assert parse_location(uri, MINIO) == expected
    assert expected.server_uri == "minio://models/iris"


def test_the_environment_goes_before_the_schemes_as_it_does_for_rclone() -> None:
    environment = {"RCLONE_CONFIG_AZ_TYPE": SecretStr("azureblob")}

    assert parse_location("az://c/p", environment).server_uri == "az://c/p"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("ftp://models/iris", "no kind of store.*s3://.*download the model"),
        ("http://host/model", "no kind of store.*s3://.*download the model"),
        ("https:/host/model", "no kind of store.*s3://.*download the model"),
        ("hf://org/model", "no kind of store.*s3://.*hf download org/model"),
        ("models:/iris/1", "no kind of store.*--artifact-uri models:/iris/1"),
        ("https://b.s3.eu-west-1.amazonaws.com/m/iris/", "write s3://b/m/iris$"),
        ("https://s3.amazonaws.com/b/iris", "write s3://b/iris$"),
        ("https://storage.googleapis.com/b/iris", "write gs://b/iris$"),
        ("https://acc.blob.core.windows.net/c/iris?sv=1&sig=x", "write az://c/iris$"),
        ("minio://models/iris", "RCLONE_CONFIG_MINIO_TYPE"),
        ("s3://", "names no bucket"),
        ("az:///", "names no container"),
        ("pvc://", "names no claim"),
        ("s3://b//c", "two slashes"),
        ("s3://b/../c", r"'\.\.'"),
        ("s3://b/a\nb", "nobody sees"),
        ("abfss://c@acc/p", "container@account"),
        ("", "names no file"),
        ("a\0b", "NUL"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_the_reason(uri: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_location(uri)


def test_another_machines_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="three slashes"):
        parse_location("file://elsewhere/model")


def test_a_remote_of_a_store_that_is_not_read_here_is_refused() -> None:
    with pytest.raises(ConfigError, match="RCLONE_CONFIG_MINE_TYPE"):
        parse_location("mine://a/b", {"RCLONE_CONFIG_MINE_TYPE": SecretStr("sftp")})


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA:canary7Qx@bucket/path",
        "https://user:canary7Qx@host/path",
        "https://acc.blob.core.windows.net/c?sig=canary7Qx",
        "abfss://c:canary7Qx@host/path",
    ],
)
def test_credentials_in_an_address_are_not_shown(uri: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_location(uri)

    assert "canary7Qx" not in str(raised.value)


@pytest.mark.parametrize("uri", ["s3:/b/m", "s3:b/m", "models:/m/1", "hf:/o/m", "https:/h/m"])
def test_an_address_with_too_few_slashes_is_no_path_for_anybody(uri: str) -> None:
    assert local_path(uri) is None
    assert DeploymentConfig(model_name="m", model_uri=uri).model_uri == uri


@given(st.sampled_from(SCHEMES), buckets, st.lists(names), st.booleans())
def test_what_goes_into_a_manifest_names_the_same_place(scheme, bucket, path, is_folder) -> None:
    uri = "/".join([f"{scheme}://{bucket}", *path]) + ("/" if is_folder else "")
    location = parse_location(uri)

    assert (location.bucket, location.path) == (bucket, "/".join(path))
    assert parse_location(location.server_uri) == location


@given(st.lists(names, min_size=1))
def test_a_path_of_this_machine_survives_the_address_of_it(path) -> None:
    location = Location("file", "", "/" + "/".join(path))

    assert parse_location(location.server_uri) == location


@given(st.text())
@example("~0")
def test_every_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        location = parse_location(text)
    except (ConfigError, ArtifactError):
        return
    assert parse_location(location.server_uri) == location
