"""A ZenML secret is read by its keys, in each of the three shapes; values show up nowhere."""

import traceback

import pytest

from seldon_deployer.errors import ConfigError
from seldon_deployer.zenml_plugin.storage_secret import credentials_of

CANARY = "canary7Qx"
S3 = {"rclone_config_s3_access_key_id": "a", "rclone_config_s3_secret_access_key": CANARY}
AZ = {
    "rclone_config_azureblob_account": "models",
    "rclone_config_azureblob_sas_token": f"sv=1&sig={CANARY}",
}


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        (S3, "seldon_s3"),
        ({"rclone_config_gs_anonymous": "false"}, "seldon_gs"),
        (AZ, "seldon_az"),
        # What ZenML's own integration has in its code.
        ({key.replace("azureblob", "az"): value for key, value in AZ.items()}, "seldon_az"),
        # And how it stores what nobody gave.
        ({**S3, "rclone_config_s3_type": "s3", "rclone_config_s3_env_auth": "False",
          "rclone_config_s3_region": ""}, "seldon_s3"),
    ],
)  # fmt: skip
def test_the_keys_tell_the_schema(values, schema):
    assert credentials_of("storage", values).schema_name == schema


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "none of its keys is one of a storage schema"),
        ({"aws_access_key_id": CANARY}, "none of its keys is one of a storage schema"),
        ({**S3, **AZ}, "its keys are of seldon_s3 and seldon_az"),
        ({**S3, "token": CANARY}, "token is no key of seldon_s3"),
        ({**S3, "rclone_config_s3_endpoint": CANARY}, "rclone_config_s3_endpoint must begin with"),
    ],
)
def test_what_holds_no_credentials_is_refused_by_its_name_and_keys(values, words):
    with pytest.raises(ConfigError, match="ZenML secret storage") as caught:
        credentials_of("storage", values)
    assert words in caught.value.why
    told = "".join(traceback.format_exception(caught.value)).replace(__file__, "")
    assert CANARY not in told
