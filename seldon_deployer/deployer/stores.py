"""The stores that a deployment's models lie in, as its pods will meet them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from seldon_deployer.deployer.live_secrets import LiveSecrets
from seldon_deployer.deployer.preflight import Preflight
from seldon_deployer.errors import ConfigError, StorageError, StorageMissing, StorageUnreachable
from seldon_deployer.storage import RemoteFolder, StoredFile, open_folder
from seldon_deployer.storage.location import Location, parse_location
from seldon_deployer.storage.store import Environment
from seldon_deployer.storage.volume import open_claim

log = logging.getLogger(__name__)


class Stores:
    """Looks into stores with the credentials of the Secret that the pods are given.

    Where a Secret may not be read, and where none is named, this machine's own credentials are
    used. What is missing is an error, except where other credentials than the pods' found it so;
    what cannot be told from here is a warning under `warn` and an error under `strict`.
    volumes: the folder in which the embedded runtime has its claims; without it they are looked
    for where SELDON_DEPLOYER_VOLUMES says that they are mounted here too.
    """

    def __init__(
        self, secrets: LiveSecrets | None, *, preflight: Preflight, volumes: Path | None = None
    ) -> None:
        self._secrets = secrets
        self._preflight = preflight
        self._volumes = volumes
        self._unseen = set[str]()
        self._found: dict[tuple[str, str | None], list[StoredFile] | None] = {}

    def location(self, uri: str, secret: str | None) -> Location:
        """Where an address leads. Raises ConfigError for one that leads nowhere."""
        return parse_location(uri, self.environment(secret))

    def open(self, uri: str, secret: str | None) -> RemoteFolder:
        """The folder at an address, with the credentials of the pods where they are known."""
        return open_folder(uri, self.environment(secret))

    def environment(self, secret: str | None) -> Environment | None:
        """The variables that the Secret gives to rclone; None where this machine's own are used."""
        if secret is None or self._secrets is None or self._preflight == "off":
            return None
        found = self._secrets.read(secret)
        return found.environment if found.state == "there" else None

    def look(
        self, uri: str, secret: str | None, wanted: Sequence[str] = ()
    ) -> list[StoredFile] | None:
        """The files at an address, one of them read; None where that cannot be told from here.

        wanted: names of which one has to be there. Raises StorageMissing, and under `strict` any
        StorageError.
        """
        if self._secrets is None or self._preflight == "off":
            return None
        if self._is_on_volume(uri, secret):
            self._look_at_volume(uri, wanted)
            return None
        found = self._look(uri, secret, wanted)
        self._found[uri, secret] = found
        with suppress(ConfigError):
            # What the manifest will say of it.
            self._found[self.location(uri, secret).server_uri, secret] = found
        return found

    def knows(self, uri: str, secret: str | None) -> bool:
        """Whether that address was looked at with these credentials."""
        return (uri, secret) in self._found

    def _is_on_volume(self, uri: str, secret: str | None) -> bool:
        try:
            return self.location(uri, secret).kind == "pvc"
        except ConfigError:
            return False

    def _look_at_volume(self, uri: str, wanted: Sequence[str]) -> None:
        """Raise StorageMissing for what is not on a volume, where it is mounted here too.

        What is there is served as it lies, so its files are nobody's business: none are returned,
        and the address does not count as known before its wanted files were asked for.
        """
        try:
            self._open_claim(uri).check(wanted)
        except StorageUnreachable as error:
            if uri not in self._unseen:
                log.info("%s was not looked at: %s", uri, error.why)
            self._unseen.add(uri)

    def _open_claim(self, uri: str) -> RemoteFolder:
        if self._volumes is None:
            return self.open(uri, None)
        location = self.location(uri, None)
        return RemoteFolder(uri, location, open_claim(location, self._volumes))

    def _look(self, uri: str, secret: str | None, wanted: Sequence[str]) -> list[StoredFile] | None:
        try:
            kind = self.location(uri, secret).kind
            if kind != "file" and secret is None:
                log.info("%s is looked at with this machine's own credentials", uri)
            return self.open(uri, secret).check(wanted)
        except StorageMissing as error:
            if self._has_credentials_of(secret) or self._preflight == "strict":
                raise
            self._warn(uri, secret, error)
        except (StorageError, ConfigError) as error:
            # A ConfigError: the store's client is not installed, or a Secret that we may not read
            # says which store it is.
            is_usage = isinstance(error, ConfigError) and self._has_credentials_of(secret)
            if self._preflight == "strict" or (is_usage and not self._is_address(uri, secret)):
                raise
            self._warn(uri, secret, error)
        return None

    def _has_credentials_of(self, secret: str | None) -> bool:
        """Whether what we look with is what the pods will have."""
        return secret is None or self.environment(secret) is not None

    def _is_address(self, uri: str, secret: str | None) -> bool:
        try:
            self.location(uri, secret)
        except ConfigError:
            return False
        return True

    def _warn(self, uri: str, secret: str | None, error: StorageError | ConfigError) -> None:
        used = (
            f"the Secret {secret}"
            if secret and self._has_credentials_of(secret)
            else "this machine"
        )
        told = ": ".join(filter(None, (error.what, error.why)))
        if error.hint:
            told += f" (try: {error.hint})"
        log.warning("%s could not be checked with the credentials of %s: %s", uri, used, told)
