"""A client of Google Cloud Storage from rclone's environment: settings mean the same as there.

Source: rclone 1.59, backend/googlecloudstorage, NewFs.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ConfigError, StorageUnreachable
from seldon_deployer.storage.failures import not_installed, unreachable
from seldon_deployer.storage.redaction import hide_addresses_in_logs
from seldon_deployer.storage.remote import name_variable, read_flag, read_remote
from seldon_deployer.storage.store import Environment

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_ADDRESS = "https://storage.googleapis.com"
_TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105
# The image of Seldon's initializer has this in its environment before any Secret.
_BAKED_IN = {"gs": {"anonymous": "true"}}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GCSSettings:
    """What `RCLONE_CONFIG_<REMOTE>_*` says, by rclone's names of the options.

    is_ambient: there is no such environment, and this machine's own identity counts; without one,
    requests go unsigned, as public buckets take them.
    """

    remote: str
    values: dict[str, str] = field(repr=False)
    is_ambient: bool = False

    def check(self) -> None:
        """Raise ConfigError for what cannot be; asks nobody."""
        # Where only the pods can try them, that is told when they are to be used.
        with suppress(StorageUnreachable):
            _ = self.credentials
        if self.values.get("endpoint"):
            _log.warning(
                "%s is not known to rclone 1.59, which Seldon's own initializer has: it would "
                "ask %s",
                name_variable(self.remote, "endpoint"),
                _ADDRESS,
            )

    @property
    def secrets(self) -> Iterator[str]:
        """What no message may hold."""
        for text in self.values.values():
            yield text
            yield from _leaves(_read_object(text))

    @cached_property
    def credentials(self) -> Any:
        """Google's credentials; None: those that this machine has, to be looked for.

        Raises ConfigError, and StorageUnreachable where only the pods can use them.
        """
        if self.is_ambient:
            return None
        # In the order in which rclone takes them.
        if read_flag(self.remote, self.values, "anonymous"):
            return _anonymous()
        if text := self.values.get("service_account_credentials"):
            return self._read_account("service_account_credentials", text)
        if path := self.values.get("service_account_file"):
            return self._read_account("service_account_file", self._read_file(path))
        # A token that rclone cannot read is no token to it.
        token = _read_object(self.values.get("token", ""))
        return self._read_token(token) if token else None

    def open_client(self) -> Any:
        """A client; looks for this machine's identity where the settings name none."""
        from google.cloud import storage

        credentials, project = self._identity
        return storage.Client(
            # The library looks for a project of its own where it is told none.
            project=project or "none",
            credentials=credentials,
            client_options=self._options,
        )

    def open_session(self) -> Any:
        """What signs requests with the same credentials as the client."""
        from google.auth.transport.requests import AuthorizedSession

        return AuthorizedSession(self._identity[0])  # type: ignore[no-untyped-call, unused-ignore]

    @cached_property
    def _identity(self) -> tuple[Any, str | None]:
        """Credentials, and the project that goes with them."""
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError

        project = self.values.get("project_number")
        if self.credentials is not None:
            return self.credentials, project
        try:
            credentials, found = google.auth.default(scopes=[_SCOPE])
        except DefaultCredentialsError:
            # A Secret that promises an identity is not to be replaced by nobody's.
            if not self.is_ambient or _names_identity():
                raise
            return _anonymous(), project
        return credentials, project or found

    @property
    def has_no_identity(self) -> bool:
        """Whether this machine's own identity is to be used, and it has none."""
        from google.auth.credentials import AnonymousCredentials

        may_have_none = self.is_ambient and not _names_identity()
        return may_have_none and isinstance(self._identity[0], AnonymousCredentials)

    @property
    def _options(self) -> dict[str, str]:
        # The library's own settings of this machine count for its own identity alone.
        if self.is_ambient:
            return {}
        given = self.values.get("endpoint", "")
        if not given:
            return {"api_endpoint": _ADDRESS}
        whole = given if "://" in given else f"https://{given}"
        return {"api_endpoint": whole.rstrip("/").removesuffix("/storage/v1")}

    def _read_account(self, key: str, text: str) -> Any:
        from google.oauth2 import service_account

        account = _read_object(text)
        try:
            if account.get("type") != "service_account" or not account.get("client_email"):
                raise ValueError
            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call, unused-ignore]
                account, scopes=[_SCOPE]
            )
        except (ValueError, TypeError):
            # Its own text may quote the key.
            raise ConfigError(
                f"{name_variable(self.remote, key)} is no key of a service account",
                why="it is no JSON of one, or its private key cannot be read",
                hint="give the JSON file that Google made for the account, unchanged",
            ) from None

    def _read_file(self, path: str) -> str:
        try:
            return Path(path).expanduser().read_text()
        except (OSError, ValueError) as error:
            raise unreachable(
                f"{self.remote}://",
                f"{name_variable(self.remote, 'service_account_file')} is a file of the pods, and "
                "is not on this machine",
            ) from error

    def _read_token(self, token: Mapping[str, Any]) -> Any:
        from google.oauth2.credentials import Credentials

        end = _moment(token.get("expiry"))
        ended = not token.get("access_token") or (end is not None and end <= datetime.now(UTC))
        if ended and token.get("refresh_token") and not self.values.get("client_id"):
            raise unreachable(
                f"{self.remote}://",
                "the token has ended, and only rclone can renew it: it is of rclone's own client",
            )
        return Credentials(  # type: ignore[no-untyped-call, unused-ignore]
            token.get("access_token"),
            refresh_token=token.get("refresh_token"),
            token_uri=self.values.get("token_url") or _TOKEN_ADDRESS,
            client_id=self.values.get("client_id"),
            client_secret=self.values.get("client_secret"),
            # Google's library wants UTC without a zone.
            expiry=end.astimezone(UTC).replace(tzinfo=None) if end else None,
        )


def read_settings(remote: str, environment: Environment | None) -> GCSSettings:
    """The settings of one remote; of this machine where there is no environment.

    Raises ConfigError for settings that cannot be, and where the client is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Of the end of this Python's time, years before it: nothing that users can act on.
            warnings.simplefilter("ignore")
            import google.cloud.storage  # noqa: F401
    except ImportError as error:
        raise not_installed("google-cloud-storage", "gcs") from error
    hide_addresses_in_logs()
    if environment is None:
        return GCSSettings(remote, {}, is_ambient=True)
    given = {**_BAKED_IN.get(remote.lower(), {}), **read_remote(remote, environment)}
    settings = GCSSettings(remote, given)
    settings.check()
    return settings


def _anonymous() -> Any:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()  # type: ignore[no-untyped-call, unused-ignore]


def _names_identity() -> bool:
    """Whether this machine says which identity it has, were it only a file that is not there."""
    return bool(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))


def _read_object(text: str) -> dict[str, Any]:
    """The JSON object; {} for any other text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
