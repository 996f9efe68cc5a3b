from __future__ import annotations

import pytest
from pydantic import SecretStr

from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.s3_client import S3Settings, read_settings

pytest.importorskip("boto3")
KEY = {"access_key_id": "AKIA", "secret_access_key": "canary7Qx"}


def settings(**values: str) -> S3Settings:
    environment = {f"RCLONE_CONFIG_S3_{key}".upper(): SecretStr(values[key]) for key in values}
    return read_settings("s3", environment)


@pytest.mark.parametrize(
    ("values", "style", "operation", "has_md5_of_parts"),
    [
        ({"provider": "AWS"}, "virtual", "list_objects_v2", True),
        ({"provider": "Minio"}, "path", "list_objects_v2", True),
        ({"provider": "Ceph"}, "path", "list_objects", True),
        ({"provider": "Cloudflare"}, "path", "list_objects_v2", False),
        ({"provider": "Other"}, "path", "list_objects", False),
        # In another spelling rclone takes it for an unknown one.
        ({"provider": "minio"}, "path", "list_objects", False),
        ({}, "path", "list_objects", False),
        ({"provider": "Other", "list_version": "2"}, "path", "list_objects_v2", False),
        ({"provider": "AWS", "list_version": "1"}, "virtual", "list_objects", True),
        ({"provider": "Other", "force_path_style": "false"}, "virtual", "list_objects", False),
    ],
)
def test_a_providers_ways_are_those_that_rclone_knows(
    values: dict[str, str], style: str, operation: str, has_md5_of_parts: bool
) -> None:
    found = settings(**KEY, endpoint="https://store.example", **values)

    assert found.list_operation == operation
    assert found.has_md5_of_parts == has_md5_of_parts
    assert found.open_client().meta.config.s3["addressing_style"] == style


@pytest.mark.parametrize(
    ("values", "endpoint", "region"),
    [
        ({"provider": "AWS"}, "https://s3.us-east-1.amazonaws.com", "us-east-1"),
        ({"provider": "AWS", "region": "eu-west-1"}, "https://s3.eu-west-1.amazonaws.com",
         "eu-west-1"),
        ({"endpoint": "http://minio:9000"}, "http://minio:9000", "us-east-1"),
        ({"endpoint": "store.example"}, "https://store.example", "us-east-1"),
    ],
)  # fmt: skip
def test_the_store_is_the_one_that_the_settings_name(
    values: dict[str, str], endpoint: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # rclone knows nothing of these.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")

    meta = settings(**KEY, **values).open_client().meta

    assert meta.endpoint_url in (endpoint, endpoint.replace("s3.us-east-1.", "s3."))
    assert meta.region_name == region


@pytest.mark.parametrize(
    ("values", "is_anonymous"),
    [
        ({}, True),
        ({"env_auth": "false"}, True),
        ({"env_auth": "true"}, False),
        (KEY, False),
    ],
)
def test_without_keys_and_without_leave_to_look_for_some_requests_go_unsigned(
    values: dict[str, str], is_anonymous: bool
) -> None:
    assert settings(**values).is_anonymous == is_anonymous


@pytest.mark.parametrize("missing", sorted(KEY))
def test_half_a_key_is_refused_by_the_name_of_the_other_half(missing: str) -> None:
    half = {key: value for key, value in KEY.items() if key != missing}

    with pytest.raises(ConfigError, match=f"RCLONE_CONFIG_S3_{missing.upper()} is missing") as seen:
        settings(**half).open_client()

    assert "canary7Qx" not in str(seen.value)


def test_no_value_is_shown() -> None:
    assert "canary7Qx" not in repr(settings(**KEY))


def test_one_remotes_settings_are_not_anothers() -> None:
    environment = {
        "RCLONE_CONFIG_S3_REGION": SecretStr("one"),
        "RCLONE_CONFIG_S3B_REGION": SecretStr("two"),
        "RCLONE_CONFIG_MINIO_REGION": SecretStr("three"),
    }
    for remote, region in (("s3", "one"), ("s3b", "two"), ("minio", "three")):
        assert read_settings(remote, environment).values == {"region": region}


def test_what_an_object_is_written_and_read_with_follows_the_settings() -> None:
    found = settings(
        **KEY,
        requester_pays="true",
        server_side_encryption="aws:kms",
        sse_kms_key_id="key",
        storage_class="STANDARD_IA",
    )

    assert found.read_options == {"RequestPayer": "requester"}
    assert found.list_options == {"RequestPayer": "requester"}
    assert found.write_options == {
        "RequestPayer": "requester",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key",
        "StorageClass": "STANDARD_IA",
    }


def test_an_endpoint_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="no S3 client can be made of the settings of s3"):
        settings(**KEY, endpoint="http://").open_client()
