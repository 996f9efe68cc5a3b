"""Try storage credentials against their store, before a pod does."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from seldon_deployer.errors import ConfigError, StorageDenied, StorageMissing
from seldon_deployer.storage import Environment, open_folder, parse_location

_REMOTE = re.compile(r"RCLONE_CONFIG_(.+)_TYPE")
# Of no store of anybody: a store that says so has taken the credentials.
_NOBODYS = "seldon-deployer-check"


@dataclass(frozen=True, slots=True)
class CheckedStore:
    """What a store said of credentials.

    remote: rclone's name of it. uri: what was read, None where only the key was tried. files,
    size_bytes: what is there.
    """

    remote: str
    uri: str | None = None
    files: int = 0
    size_bytes: int = 0

    def __str__(self) -> str:
        if self.uri is None:
            return f"{self.remote}: the store accepts these credentials"
        noun = "file" if self.files == 1 else "files"
        return f"{self.uri}: {self.files} {noun}, {self.size_bytes} bytes, can be read"


def check_credentials(environment: Environment, uri: str | None = None) -> list[CheckedStore]:
    """Read a byte of what lies at `uri`; without it, ask each store the cheapest question.

    environment: the RCLONE_CONFIG_* of a Secret. Raises StorageDenied, StorageMissing,
    StorageUnreachable, or ConfigError where the credentials are of no store, or of another one.
    """
    remotes = list(_remotes(environment))
    if not remotes:
        raise ConfigError(
            "there are no credentials for a store",
            why="no key is RCLONE_CONFIG_<REMOTE>_TYPE",
            hint="seldon-deployer secret apply FILE makes such a Secret",
        )
    if uri is None:
        return [_try_key(environment, remote) for remote in remotes]
    location = parse_location(uri, environment)
    if location.remote not in remotes:
        raise ConfigError(
            f"these credentials say nothing of {location.remote}://",
            why=f"they are of {', '.join(remotes)}",
            hint="name an address of that store, or other credentials",
        )
    files = open_folder(uri, environment).check()
    return [CheckedStore(location.remote, uri, len(files), sum(file.size_bytes for file in files))]


def _remotes(environment: Environment) -> Iterator[str]:
    for name in sorted(environment):
        if found := _REMOTE.fullmatch(name):
            yield found[1].lower()


def _try_key(environment: Environment, remote: str) -> CheckedStore:
    """Ask for a bucket that nobody has: only whom the store accepts is told that it is missing."""
    try:
        open_folder(f"{remote}://{_NOBODYS}-{secrets.token_hex(8)}", environment).list()
    except StorageMissing:
        return CheckedStore(remote)
    except StorageDenied as error:
        raise StorageDenied(
            f"the store of {remote}:// does not accept these credentials",
            why=error.why,
            hint="check the keys; where they are for one bucket only, name it with --uri",
        ) from error
    return CheckedStore(remote)
