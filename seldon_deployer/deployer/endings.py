"""When the credentials of a Secret end by themselves: told from what rclone reads of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from seldon_deployer.errors import ConfigError
from seldon_deployer.secrets import SCHEMAS, Credentials

_PREFIX, _TYPE = "RCLONE_CONFIG_", "_TYPE"


def find_endings(environment: Mapping[str, SecretStr]) -> list[str]:
    """Why the credentials of each remote end, where they do; no value of theirs is told.

    environment: the RCLONE_CONFIG_* of a Secret, whoever made it. What no schema of ours
    understands is passed over: the store judges it.
    """
    found = (_read(environment, *each) for each in _remotes(environment))
    return [ending for each in found if each is not None and (ending := each.ending())]


def _remotes(environment: Mapping[str, SecretStr]) -> Iterator[tuple[str, type[Credentials]]]:
    """What each remote's variables begin with, and the schema of its type."""
    schemas = {schema.remote_type: schema for schema in SCHEMAS.values()}
    for name, value in environment.items():
        schema = schemas.get(value.get_secret_value())
        if schema is not None and name.startswith(_PREFIX) and name.endswith(_TYPE):
            yield name.removesuffix(_TYPE) + "_", schema


def _read(
    environment: Mapping[str, SecretStr], prefix: str, schema: type[Credentials]
) -> Credentials | None:
    """The credentials of one remote, under the schema's own keys."""
    given = {
        schema.prefix + name.removeprefix(prefix).lower(): value
        for name, value in environment.items()
        if name.startswith(prefix)
    }
    try:
        return schema.model_validate({key: given[key] for key in given.keys() & {*schema.keys()}})
    except ConfigError:
        return None
