"""Reading a file of credentials for a command, or stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seldon_deployer.errors import UsageError

if TYPE_CHECKING:
    from seldon_deployer.secrets import CredentialFile


def read_credential_file(file: str) -> CredentialFile:
    """Read FILE, or stdin for `-`. Raises UsageError or ConfigError, which hold no value."""
    from seldon_deployer.secrets import parse_credential_file

    return parse_credential_file(_read(file), "stdin" if file == "-" else file)


def _read(file: str) -> str:
    reason = "it is not UTF-8 text"
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        # The error holds the bytes, so it is not chained.
        pass
    raise UsageError(f"cannot read {file}", why=reason)
