"""A service account alone is enough where the cloud knows it."""

import pytest

from seldon_deployer.zenml_plugin.secret_choice import service_account_identity


@pytest.mark.parametrize(
    ("uri", "name", "key"),
    [
        ("s3://models/iris", "seldon-deployer-identity-s3", "RCLONE_CONFIG_S3_ENV_AUTH"),
        ("gs://models/iris", "seldon-deployer-identity-gs", "RCLONE_CONFIG_GS_ANONYMOUS"),
        (
            "abfss://models@account.dfs.core.windows.net/iris",
            "seldon-deployer-identity-azureblob-account",
            "RCLONE_CONFIG_AZUREBLOB_USE_MSI",
        ),
    ],
)
def test_a_service_account_is_told_to_rclone_without_a_secret_of_anybodys(uri, name, key):
    made = service_account_identity([uri], "reader")
    assert made.name == name
    assert key in made.credentials.environment()
    assert "reader" in made.source


@pytest.mark.parametrize(
    ("uris", "account"),
    [
        (["s3://models/iris"], None),
        (["s3://models/iris", "gs://models/iris"], "reader"),
        (["az://models/iris"], "reader"),
        (["pvc://claim/iris"], "reader"),
        (["minio://models/iris"], "reader"),
    ],
)
def test_where_rclone_cannot_be_told_there_is_nothing(uris, account):
    assert service_account_identity(uris, account) is None
