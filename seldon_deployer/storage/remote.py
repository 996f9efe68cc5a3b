"""What rclone's environment says of one remote."""

from __future__ import annotations

from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.store import Environment

# As Go's strconv.ParseBool, with which rclone reads flags.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})


def read_remote(remote: str, environment: Environment) -> dict[str, str]:
    """The options of a remote by rclone's names: `key` of RCLONE_CONFIG_<REMOTE>_KEY."""
    prefix = name_variable(remote, "")
    return {
        name.removeprefix(prefix).lower(): value.get_secret_value()
        for name, value in environment.items()
        if name.startswith(prefix)
    }


def name_variable(remote: str, key: str) -> str:
    """The variable that holds an option of a remote."""
    return f"RCLONE_CONFIG_{remote}_{key}".upper()


def read_flag(remote: str, values: dict[str, str], key: str) -> bool:
    """Whether an option is on; False where it is not given. Raises ConfigError for other text."""
    text = values.get(key, "")
    if text not in _TRUE | _FALSE:
        raise ConfigError(
            f"{name_variable(remote, key)} is neither true nor false",
            why="rclone would stop at it",
            hint="write true or false",
        )
    return text in _TRUE
