"""Reading a file of credentials for a command, or stdin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seldon_deployer.cli.files import STDIN, read_text

if TYPE_CHECKING:
    from seldon_deployer.secrets import CredentialFile


def read_credential_file(file: str) -> CredentialFile:
    """Read FILE, or stdin for `-`. Raises UsageError or ConfigError, which hold no value."""
    from seldon_deployer.secrets import parse_credential_file

    return parse_credential_file(read_text(file), "stdin" if file == STDIN else file)
