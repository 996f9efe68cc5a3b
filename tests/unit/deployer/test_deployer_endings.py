"""Which credentials of a Secret end by themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from seldon_deployer.deployer.endings import find_endings
from seldon_deployer.secrets import parse_credentials

END = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=2)
SIGNED = f"https://account.blob.core.windows.net/?sv=2022&ss=b&srt=sco&sp=rl&se={END:%Y-%m-%dT%H:%MZ}&sig=canary"
PAIR = {"rclone_config_s3_access_key_id": "id", "rclone_config_s3_secret_access_key": "canary"}


def environment(schema, **values):
    return parse_credentials(schema, values).environment()


def renamed(given, remote):
    """The same credentials for a remote of the user's own name."""
    return {name.replace("_S3_", f"_{remote}_"): value for name, value in given.items()}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (environment("seldon_s3", **PAIR), []),
        (environment("seldon_s3", **PAIR, rclone_config_s3_session_token="canary"), ["session"]),
        (
            renamed(
                environment("seldon_s3", **PAIR, rclone_config_s3_session_token="canary"), "MINIO"
            ),
            ["session"],
        ),
        (
            environment("seldon_az", rclone_config_azureblob_sas_url=SIGNED),
            [f"ends at {END:%Y-%m-%d %H:%M} UTC"],
        ),
        (
            environment("seldon_gs", rclone_config_gs_token=json.dumps({"access_token": "canary"})),
            ["no refresh_token"],
        ),
        ({"RCLONE_CONFIG_S3_TYPE": SecretStr("s3"), "RCLONE_CONFIG_S3_NEW": SecretStr("x")}, []),
        ({"RCLONE_CONFIG_X_TYPE": SecretStr("sftp"), "RCLONE_CONFIG_X_PASS": SecretStr("x")}, []),
        ({}, []),
    ],
)
def test_what_ends_is_told_by_its_key_and_without_its_value(given, told):
    found = find_endings(given)
    assert len(found) == len(told)
    for text, part in zip(found, told, strict=True):
        assert part in text
        assert "canary" not in text


def test_the_endings_of_several_remotes_are_all_told():
    session = environment("seldon_s3", **PAIR, rclone_config_s3_session_token="canary")
    both = {**session, **environment("seldon_az", rclone_config_azureblob_sas_url=SIGNED)}
    assert len(find_endings(both)) == 2
