"""The schemas by name."""

from __future__ import annotations

from collections.abc import Mapping

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets.azure import AzureCredentials
from seldon_deployer.secrets.credentials import Credentials
from seldon_deployer.secrets.gs import GSCredentials
from seldon_deployer.secrets.s3 import S3Credentials

SCHEMAS: Mapping[str, type[Credentials]] = {
    schema.schema_name: schema for schema in (S3Credentials, GSCredentials, AzureCredentials)
}


def parse_credentials(schema: object, values: Mapping[str, object]) -> Credentials:
    """Read the keys of a schema; values are text, SecretStr, or what YAML makes of them.

    Raises ConfigError for a schema that is none, and for every mistake in the keys at once.
    """
    found = SCHEMAS.get(schema) if isinstance(schema, str) else None
    if found is None:
        raise ConfigError(
            "the schema of the credentials is none of ours", hint=f"one of {', '.join(SCHEMAS)}"
        )
    return found.model_validate(values)


def identity_credentials(kind: str, account: str | None = None) -> Credentials | None:
    """The identity of the pods as credentials: they hold nothing secret, but rclone needs them.

    Without them rclone knows no S3 and no Azure at all, and reads Google's public buckets alone.
    kind: s3, gs or azureblob. account: Azure's storage account, without which there are none.
    """
    if kind == "s3":
        return parse_credentials("seldon_s3", {"rclone_config_s3_env_auth": True})
    if kind == "gs":
        return parse_credentials("seldon_gs", {"rclone_config_gs_anonymous": False})
    if kind == "azureblob" and account:
        values = {
            "rclone_config_azureblob_account": account,
            "rclone_config_azureblob_use_msi": True,
        }
        return parse_credentials("seldon_az", values)
    return None
