"""From a ZenML secret in one of the three shapes to the credentials in it."""

from __future__ import annotations

from collections.abc import Mapping

from zenml.client import Client

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import SCHEMAS, Credentials, parse_credentials

# ZenML's own integration has the first in its code and the second in its documentation.
_OLD_PREFIX, _PREFIX = "rclone_config_az_", "rclone_config_azureblob_"


def read_zenml_secret(name: str) -> dict[str, str]:
    """The values of the ZenML secret of exactly that name; raises KeyError where there is none."""
    try:
        secret = Client().get_secret(
            name, allow_partial_name_match=False, allow_partial_id_match=False
        )
    except NotImplementedError as error:
        raise KeyError(name) from error
    return dict(secret.secret_values)


def read_storage_secret(name: str) -> Credentials:
    """The credentials in the ZenML secret that the option storage_secret names.

    Raises ConfigError, which holds no value, where there is none, or none that can be used.
    """
    try:
        values = read_zenml_secret(name)
    except KeyError as error:
        raise ConfigError(
            f"there is no ZenML secret {name}",
            why="the model deployer's storage_secret names it",
            hint=f"zenml secret create {name} --rclone_config_s3_access_key_id=... "
            "--rclone_config_s3_secret_access_key=...",
        ) from error
    return credentials_of(name, values)


def credentials_of(name: str, values: Mapping[str, str]) -> Credentials:
    """Read the values of a ZenML secret by the schema that its keys are of.

    Raises ConfigError, which holds no value: mixed keys, keys of no schema, and what cannot work.
    """
    spelt = {_spelt(key): text for key, text in values.items()}
    found = [
        schema.schema_name
        for schema in SCHEMAS.values()
        if any(key.startswith(schema.prefix) for key in spelt)
    ]
    if len(found) != 1:
        mixed = f"its keys are of {' and '.join(found)}, and a secret is for one store"
        shapes = ", ".join(f"{schema.prefix}..." for schema in SCHEMAS.values())
        raise ConfigError(
            f"the ZenML secret {name} holds no storage credentials",
            why=mixed if found else "none of its keys is one of a storage schema",
            hint=f"a ZenML secret with keys of one of {shapes}",
        )
    try:
        return parse_credentials(found[0], spelt)
    except ConfigError as error:
        raise ConfigError(
            f"the ZenML secret {name} cannot be used", why=error.why, hint=error.hint
        ) from error


def _spelt(key: str) -> str:
    if key.startswith(_OLD_PREFIX):
        return _PREFIX + key.removeprefix(_OLD_PREFIX)
    return key
